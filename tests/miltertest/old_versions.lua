-- MTAs of the protocol's versions 2, 3 and 4 wait for a reply to each command, and keep no space after the colon.
function continues(what, conn, result)
    if result ~= nil then error(what .. " failed") end
    if mt.getreply(conn) ~= SMFIR_CONTINUE then error(what .. " was not answered with continue") end
end

for version, steps in pairs({ [2] = 0x7f, [3] = 0x17f, [4] = 0x37f }) do
    conn = mt.connect(socket)
    if conn == nil then error "cannot connect" end
    -- The manual says actions before steps; miltertest 2.11 sends them the other way round.
    if mt.negotiate(conn, version, steps, 0x3f) ~= nil then error "negotiation failed" end
    if mt.test_option(conn, SMFIP_NR_HDR) or mt.test_option(conn, SMFIP_HDR_LEADSPC) then
        error "asked for what was not offered"
    end
    if mt.test_action(conn, SMFIF_SETSYMLIST) then error "asked to name macros, which was not offered" end
    continues("CONNECT", conn, mt.conninfo(conn, "client.example", "192.0.2.7"))
    continues("MAIL", conn, mt.mailfrom(conn, "<>"))
    continues("RCPT", conn, mt.rcptto(conn, "<office@beechwood.example>"))
    continues("header", conn, mt.header(conn, "Subject", "version " .. version))
    continues("header", conn, mt.header(conn, "X-Empty", ""))
    continues("body", conn, mt.bodystring(conn, "hello\r\n"))
    if mt.eom(conn) ~= nil then error "end of message failed" end
    if mt.getreply(conn) ~= SMFIR_ACCEPT then error "not accepted" end
    mt.disconnect(conn)
end

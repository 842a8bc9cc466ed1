-- Two messages on one connection, one given up between them; all the no-reply flags are agreed on.
conn = mt.connect(socket)
if conn == nil then error "cannot connect" end
if mt.negotiate(conn, nil, nil, nil) ~= nil then error "negotiation failed" end
for name, flag in pairs({
    NOHELO = SMFIP_NOHELO, NODATA = SMFIP_NODATA, NOEOH = SMFIP_NOEOH, NOUNKNOWN = SMFIP_NOUNKNOWN,
    NR_CONN = SMFIP_NR_CONN, NR_MAIL = SMFIP_NR_MAIL, NR_RCPT = SMFIP_NR_RCPT, NR_HDR = SMFIP_NR_HDR,
    NR_BODY = SMFIP_NR_BODY, HDR_LEADSPC = SMFIP_HDR_LEADSPC,
}) do
    if not mt.test_option(conn, flag) then error("not asked for: " .. name) end
end
for name, flag in pairs({ ADDHDRS = SMFIF_ADDHDRS, CHGHDRS = SMFIF_CHGHDRS, CHGBODY = SMFIF_CHGBODY,
    ADDRCPT = SMFIF_ADDRCPT, DELRCPT = SMFIF_DELRCPT }) do
    if not mt.test_action(conn, flag) then error("not asked for: " .. name) end
end
if mt.test_action(conn, SMFIF_QUARANTINE) then error "asked for Postfix's hold queue, from which no filter can release" end

mt.conninfo(conn, "client.example", "192.0.2.7")
mt.macro(conn, SMFIC_MAIL, "{auth_authen}", "j.carter")
mt.mailfrom(conn, "<given.up@oakfield.example>")
mt.rcptto(conn, "<nobody@beechwood.example>")
mt.header(conn, "Subject", "never sent")
mt.bodystring(conn, "half a mess")
mt.abort(conn)

for _, subject in ipairs({ "one", "two" }) do
    mt.mailfrom(conn, "<j.carter@oakfield.example>", "SIZE=100", "BODY=8BITMIME")
    mt.rcptto(conn, "<office@beechwood.example>")
    mt.rcptto(conn, "<Head@Beechwood.Example>", "NOTIFY=NEVER")
    mt.header(conn, "Subject", subject)
    mt.header(conn, "X-Folded", "first\n\tsecond")
    mt.header(conn, "X-Empty", "")
    mt.header(conn, "X-Twice", "1")
    mt.header(conn, "X-Twice", " 2 caf\233")
    mt.bodystring(conn, "Dear all,\r\n")
    mt.bodystring(conn, "half a li")
    mt.bodystring(conn, "ne\r\n.\r\n")
    mt.macro(conn, SMFIC_RCPT, "i", "4dHxyz")
    if mt.eom(conn) ~= nil then error "end of message failed" end
    if mt.getreply(conn) ~= SMFIR_ACCEPT then error "not accepted" end
    if mt.eom_check(conn, MT_HDRADD) or mt.eom_check(conn, MT_HDRCHANGE) or mt.eom_check(conn, MT_BODYCHANGE) then
        error "the message was changed"
    end
end
mt.disconnect(conn)

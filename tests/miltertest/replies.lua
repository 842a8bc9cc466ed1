-- Refusals with texts, a discarded message, a gate that panics and one whose edits are impossible; all on one connection,
-- which lives on. eom_check compares the whole text, and finds the replies to earlier messages too.
conn = mt.connect(socket)
if conn == nil then error "cannot connect" end
mt.conninfo(conn, "client.example", "192.0.2.7")
later = "cannot take the message now, try again later"

function send(subject)
    mt.mailfrom(conn, "<j.carter@oakfield.example>")
    mt.rcptto(conn, "<office@beechwood.example>")
    mt.header(conn, "Subject", subject)
    mt.bodystring(conn, "hello\r\n")
    if mt.eom(conn) ~= nil then error(subject .. ": end of message failed") end
    return mt.getreply(conn)
end

if send("reject") ~= SMFIR_REPLYCODE then error "not rejected" end
if not mt.eom_check(conn, MT_SMTPREPLY, "550", "5.7.1", "Use initials, not 100%% of the name.") then
    error "the text is not as it should be"
end
if send("later") ~= SMFIR_REPLYCODE then error "not put off" end
if not mt.eom_check(conn, MT_SMTPREPLY, "451", "4.3.1", later) then error "the code is not as it should be" end
if send("discard") ~= SMFIR_DISCARD then error "not discarded" end
if send("nobody left") ~= SMFIR_DISCARD then error "not discarded although no recipient is left" end
if mt.eom_check(conn, MT_SMTPREPLY, "451", "4.3.0", later) then error "this check cannot fail" end
if send("panic") ~= SMFIR_REPLYCODE then error "a panic is not answered with a text" end
if not mt.eom_check(conn, MT_SMTPREPLY, "451", "4.3.0", later) then error "a panic is no temporary failure" end
if send("impossible edit") ~= SMFIR_REPLYCODE then error "an impossible edit is not answered with a text" end
if send("fine") ~= SMFIR_ACCEPT then error "the connection did not live on" end
mt.disconnect(conn)

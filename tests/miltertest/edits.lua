-- The gate changes a header field, removes two, adds one, removes a recipient and inserts into the body.
conn = mt.connect(socket)
if conn == nil then error "cannot connect" end
mt.conninfo(conn, "client.example", "192.0.2.7")
mt.mailfrom(conn, "<j.carter@oakfield.example>")
mt.rcptto(conn, "<stays@beechwood.example>")
mt.rcptto(conn, "<goes@beechwood.example>")
mt.header(conn, "X-Forged", "1")
mt.header(conn, "Subject", "edit")
mt.header(conn, "X-Forged", "2")
mt.bodystring(conn, "first\r\nsecond\r\n")
if mt.eom(conn) ~= nil then error "end of message failed" end
if mt.getreply(conn) ~= SMFIR_ACCEPT then error "not accepted" end
if not mt.eom_check(conn, MT_HDRCHANGE, "Subject", " [tag] edit\n folded") then error "the subject is not changed" end
if not mt.eom_check(conn, MT_HDRDELETE, "X-Forged") then error "the forged header is not removed" end
if not mt.eom_check(conn, MT_HDRADD, "X-Mailwarden", " checked") then error "no header is added" end
if not mt.eom_check(conn, MT_RCPTDELETE, "<goes@beechwood.example>") then error "the recipient is not removed" end
if mt.eom_check(conn, MT_RCPTDELETE, "<stays@beechwood.example>") then error "the wrong recipient is removed" end
if not mt.eom_check(conn, MT_BODYCHANGE, "first\r\nNote.\r\nsecond\r\n") then error "the body is not as it should be" end
mt.disconnect(conn)

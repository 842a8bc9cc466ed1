-- A client that drops in mid-body harms nobody; a message of several megabytes comes through a temporary file.
conn = mt.connect(socket)
if conn == nil then error "cannot connect" end
mt.conninfo(conn, "client.example", "192.0.2.7")
mt.mailfrom(conn, "<j.carter@oakfield.example>")
mt.rcptto(conn, "<office@beechwood.example>")
mt.header(conn, "Subject", "dropped")
mt.bodystring(conn, "half a mess")
mt.disconnect(conn, false)

conn = mt.connect(socket)
if conn == nil then error "cannot connect again" end
mt.conninfo(conn, "client.example", "192.0.2.7")
mt.mailfrom(conn, "<j.carter@oakfield.example>")
mt.rcptto(conn, "<office@beechwood.example>")
mt.header(conn, "Subject", "large")
mt.bodyrandom(conn, 3000000)
if mt.eom(conn) ~= nil then error "end of message failed" end
if mt.getreply(conn) ~= SMFIR_ACCEPT then error "not accepted" end
mt.disconnect(conn)

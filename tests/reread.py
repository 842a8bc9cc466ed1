#!/usr/bin/env python3
"""Reads messages before and after a disclaimer with Python's own parser, and writes what changed, as JSON.

Input, on standard input: {"disclaimers": {id: {text, html}}, "pairs": [{before, after, disclaimer, wrapped}, ...]}, the messages as paths.
Output: a list, one object a pair, of which every fault is one line of text. It knows nothing of how mailwarden reads a message.
"""

import email
import hashlib
import html.parser
import json
import re
import sys
import unicodedata

BREAKS = {"p", "div", "br", "td", "li", "blockquote", "body", "html", "h1", "hr", "tr", "ul", "pre", "head"}


class Shown(html.parser.HTMLParser):
    """The text that a page shows."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.text, self.hidden = [], 0

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "style", "title"):
            self.hidden += 1
        if tag in BREAKS:
            self.text.append(" ")

    def handle_endtag(self, tag):
        if tag in ("script", "style", "title"):
            self.hidden -= 1
        if tag in BREAKS:
            self.text.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.text.append(data)


def words_of(text, kind):
    if kind == "text/html":
        page = Shown()
        page.feed(text)
        page.close()
        text = "".join(page.text)
    return re.findall(r"\w+", unicodedata.normalize("NFC", text))


CHARSETS = {"x-oakfield": "ascii", "shift_jis": "cp932"}


def shown(part):
    charset = part.get_content_charset() or "us-ascii"
    payload = part.get_payload(decode=True)
    codec = CHARSETS.get(charset, charset)
    if codec == "us-ascii" and any(byte > 127 for byte in payload):
        # What is not declared is read as most mail programs read it.
        try:
            payload.decode("utf-8")
            codec = "utf-8"
        except UnicodeDecodeError:
            codec = "cp1252"
    if codec == "utf-16" and not payload.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16-be"
    return words_of(payload.decode(codec, "replace"), part.get_content_type())


def leaves(message):
    """The parts that hold something; an attached message is one of them, its inside is not looked at."""
    if message.get_content_type() == "message/rfc822" or not message.is_multipart():
        yield message
        return
    for part in message.get_payload():
        yield from leaves(part)


def occurrences(words, wanted):
    return sum(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def without(words, wanted):
    for at in range(len(words) - len(wanted) + 1):
        if words[at : at + len(wanted)] == wanted:
            return words[:at] + words[at + len(wanted) :]
    return words


def bytes_of(part):
    payload = part.get_payload(decode=True)
    return part.as_bytes() if payload is None else payload


def digest(part):
    return hashlib.sha256(bytes_of(part)).hexdigest()


def defects(message):
    return sum(len(part.defects) for part in message.walk())


def encoding_faults(before, after, name):
    """A part's bytes must be what its declarations allow, unless they were not before."""

    def lines(part):
        return max((len(line) for line in re.split(r"\r?\n", part._payload)), default=0) if isinstance(part._payload, str) else 0

    encoding = str(after.get("Content-Transfer-Encoding", "7bit")).lower()
    if encoding == "quoted-printable" and lines(after) > max(76, lines(before) if before is not None else 0):
        yield f"{name}: a line of {lines(after)} columns in quoted-printable"
    if encoding == "base64" and lines(after) > max(76, lines(before) if before is not None else 0):
        yield f"{name}: a line of {lines(after)} columns in base64"
    if lines(after) > max(998, lines(before) if before is not None else 0):
        yield f"{name}: a line of {lines(after)} bytes"
    if encoding in ("7bit", "base64", "quoted-printable"):
        wide = lambda part: any(ord(c) > 127 for c in part._payload) if isinstance(part._payload, str) else False
        if wide(after) and not (before is not None and wide(before)):
            yield f"{name}: bytes beyond ASCII in {encoding}"


def compare(before, after, disclaimer, carries):
    """The faults of a pair whose disclaimer went into its own parts."""
    old, new = list(leaves(before)), list(leaves(after))
    if [part.get_content_type() for part in old] != [part.get_content_type() for part in new]:
        yield "the parts differ in number or kind"
        return
    wanted = {kind: words_of(disclaimer[form], kind) for kind, form in (("text/plain", "text"), ("text/html", "html"))}
    seen = {"text/plain": 0, "text/html": 0}
    for index, (one, other) in enumerate(zip(old, new)):
        kind = one.get_content_type()
        name = f"part {index} ({kind})"
        yield from encoding_faults(one, other, name)
        if one.get("Content-Disposition") != other.get("Content-Disposition") or one.get_filename() != other.get_filename():
            yield f"{name}: its disposition or file name differs"
        if bytes_of(one) == bytes_of(other):
            continue
        if kind not in wanted or one.get_content_disposition() == "attachment":
            yield f"{name}: an attachment differs: {digest(one)} became {digest(other)}"
            continue
        words, had = shown(other), shown(one)
        count, was = occurrences(words, wanted[kind]), occurrences(had, wanted[kind])
        if (was, count) != (0, 1):
            yield f"{name}: carries the disclaimer {count} times, carried it {was} times"
        elif without(words, wanted[kind]) != had:
            yield f"{name}: its other words differ"
        seen[kind] += 1
    if carries is None and not (sum(seen.values()) and max(seen.values()) == 1):
        yield f"{seen} carry it: one of each kind at most should, and one at least"
    for form, kind in (("text", "text/plain"), ("html", "text/html")):
        if carries is not None and seen[kind] != (form in carries):
            yield f"{seen[kind]} parts of kind {kind} carry it, {int(form in carries)} should"


def compare_wrapped(before, after, disclaimer):
    """The faults of a pair whose original was put into a new multipart."""
    if after.get_content_type() != "multipart/mixed" or len(after.get_payload()) != 2:
        yield f"it is {after.get_content_type()}, not multipart/mixed of two"
        return
    front, inner = after.get_payload()
    wanted = words_of(disclaimer["text"], "text/plain")
    if shown(front) != wanted:
        yield "the first part is not the disclaimer alone"
    yield from encoding_faults(None, front, "the first part")
    fields = lambda part: [(name, value) for name, value in part.items() if name.lower().startswith("content-")]
    if fields(inner) != fields(before):
        yield "the fields of the entity differ"
    if inner._payload != before._payload and [digest(part) for part in leaves(inner)] != [digest(part) for part in leaves(before)]:
        yield "the entity differs"


def main():
    request = json.load(sys.stdin)
    results = []
    for pair in request["pairs"]:
        with open(pair["before"], "rb") as file:
            before = email.message_from_bytes(file.read())
        with open(pair["after"], "rb") as file:
            after = email.message_from_bytes(file.read())
        disclaimer = request["disclaimers"][pair["disclaimer"]]
        if pair["wrapped"]:
            faults = list(compare_wrapped(before, after, disclaimer))
        else:
            faults = list(compare(before, after, disclaimer, pair["carries"]))
        if defects(after) > defects(before):
            faults.append(f"{defects(before)} defects became {defects(after)}")
        keep = lambda message: [item for item in message.items() if not item[0].lower().startswith(("content-", "mime-version"))]
        if keep(before) != keep(after):
            faults.append("a field of the header differs")
        results.append({"pair": pair["before"], "faults": faults})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()

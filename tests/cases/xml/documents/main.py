"""Documents read whole and in pieces, by builders, targets and events."""

import io
from xml.etree import ElementTree
from xml.etree.ElementTree import Comment, ParseError, TreeBuilder, XMLParser, XMLPullParser, tostring

DOCUMENT = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY name "value"><!ATTLIST b kind CDATA "usual">]>
<a xmlns="one" xmlns:p="two"><!-- note --><b p:x="1" y="&name; &lt;"/>t&name;\u4e2d
<p:c>&#65;<![CDATA[<&>]]></p:c>tail<?do it?></a>
"""


def parse(text, **arguments):
    parser = XMLParser(**arguments)
    for start in range(0, len(text), 5):
        parser.feed(text[start : start + 5])
    return parser.close()


root = parse(DOCUMENT)
print(root.tag, root[0].attrib, repr(root[0].tail), repr(root[1].text), repr(root[1].tail))
print(tostring(root, "unicode"))
kept = parse(DOCUMENT, target=TreeBuilder(insert_comments=True, insert_pis=True))
print([element.tag if isinstance(element.tag, str) else element.tag.__name__ for element in kept])
print(tostring(parse(DOCUMENT, target=TreeBuilder(element_factory=ElementTree.Element)), "unicode") == tostring(root, "unicode"))


class Target:
    """Notes down what it is told."""

    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.told.append((name, *arguments))


target = Target()
parse(DOCUMENT, target=target)
for told in target.told:
    print(told)

puller = XMLPullParser(("start", "end", "start-ns", "end-ns", "comment", "pi"))
puller.feed(DOCUMENT)
for event, about in puller.read_events():
    print(event, about.tag if hasattr(about, "tag") and isinstance(about.tag, str) else getattr(about, "text", about))
print([element.tag for _, element in ElementTree.iterparse(io.BytesIO(DOCUMENT.encode()))])

for broken in ["", "<a>", "<a></b>", "<a/>junk", "<a x='1' x='2'/>", "<p:a/>", "<a>&undefined;</a>", "<a>\x01</a>"]:
    try:
        ElementTree.fromstring(broken)
    except ParseError as error:
        print(repr(broken), error, error.code, error.position)

parser = XMLParser()
parser.entity["undefined"] = "defined"
parser.feed("<!DOCTYPE a SYSTEM 'elsewhere'><a>&undefined;</a>")
print(parser.close().text, parser.version)
for arguments in [{"encoding": 1}, {"encoding": "unknown"}, {"bogus": 1}]:
    try:
        XMLParser(**arguments).feed(b"<a/>")
    except Exception as error:
        print(type(error).__name__, error)
print(Comment("c").text)

"""Elements as sequences, mappings and trees: made, changed, searched, copied and pickled."""

import copy
import gc
import pickle
import weakref
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement, dump, tostring


def attempt(function, *arguments, **named):
    """What a call answers, or its error."""
    try:
        return function(*arguments, **named)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Chapter(Element):
    """An element with an attribute of its own."""


def tags(elements):
    return [element.tag for element in elements]


root = Element("book", {"id": "1"}, lang="en")
for number in range(5):
    SubElement(root, f"c{number}", n=str(number)).text = "text" * number
SubElement(root[2], "{http://x}p").tail = "tail"
dump(root)

print(tags(root[1:4]), tags(root[::-2]), len(root), tags(root[9:]))
root[1:3] = [Element("new")]
del root[::2]
print(tags(root), attempt(root.__setitem__, slice(0, 2, 2), []), attempt(root.__setitem__, 0, "no"))
root.insert(-9, Element("first"))
root.extend([Element("last"), Element("last")])
print(tags(root), attempt(root.extend, [1]), attempt(root.append, None), attempt(root.remove, Element("x")))
print(attempt(lambda: root[9]), attempt(lambda: root["a"]), attempt(setattr, root, "attrib", 3))
print(attempt(delattr, root, "text"), attempt(Element), attempt(SubElement, root, "a", 1))

print(root.find("last").tag, root.find("none"), tags(root.findall("last")), root.findtext("c3", "default"))
print(tags(root.iter()), tags(root.iterfind("./*[@n]")), root.find(".//{*}p"), list(root.itertext()))
print(root.get("id"), root.get("no", 3), root.items(), root.keys(), Element("e").items())

nested = Chapter("part", kind="x")
nested.own = 1
nested.append(root)
root.text, root.tail = "before", "behind"
shallow, deep, loaded = copy.copy(nested), copy.deepcopy(nested), pickle.loads(pickle.dumps(root))
print(shallow[0] is root, deep[0] is root, type(deep).__name__, tostring(deep) == tostring(nested))
print(tostring(loaded) == tostring(root), sorted(root.__getstate__()), attempt(root.__setstate__, {"no": 1}))

# Trees of any depth, and trees that contain themselves.
deep = Element("leaf")
for _ in range(100_000):
    outer = Element("outer")
    outer.append(deep)
    deep = outer
print(sum(1 for _ in deep.iter("outer")))
del deep, outer
nested.append(nested)
reference = weakref.ref(nested)
del nested, shallow
gc.collect()
print(reference())
print(ElementTree.Element.__module__, Element.find.__text_signature__)

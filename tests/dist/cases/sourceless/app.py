import sys, part
print(__file__, part.__file__, part.__spec__.loader.__class__.__name__)
part.fail()

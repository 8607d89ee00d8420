import os, jinja2
env = jinja2.Environment(loader=jinja2.FileSystemLoader(os.path.join(os.path.dirname(__file__), "templates")), autoescape=True)
print(env.get_template("a.html").render(name="<World>", items=[1, 2]))

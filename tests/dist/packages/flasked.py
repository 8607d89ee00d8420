import threading
import urllib.request

import flask
from werkzeug.serving import make_server

app = flask.Flask(__name__)


@app.get("/hello/<name>")
def hello(name):
    return flask.render_template("a.html", name=name, items=[flask.request.method])


server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/hello/%3Cworld%3E") as answer:
    print(answer.status, answer.read().decode())

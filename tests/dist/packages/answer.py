import sys, threading, urllib.request
from wsgiref.simple_server import make_server, WSGIRequestHandler
import bottle
app = bottle.Bottle()
@app.route("/hello/<name>")
def hello(name):
    return bottle.template("<b>Hello {{name}}</b>", name=name)
class Quiet(WSGIRequestHandler):
    def log_message(self, *a): pass
server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/hello/w").read().decode())

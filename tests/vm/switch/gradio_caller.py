"""`gradio_caller.py URL`: one session of Gradio's own client, for as long as it is let; a line for each call."""

import sys
import time

from gradio_client import Client

client = Client(sys.argv[1], verbose=False)
while True:
    try:
        answer = client.predict("I am terrified of the storm.", api_name="/analyze")
        said = "ok" if "fear" in str(answer) else f"not what was asked for: {answer!r}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a call that failed
        said = f"failed: {error!r}"
    print(said, flush=True)  # noqa: T201
    time.sleep(0.1)

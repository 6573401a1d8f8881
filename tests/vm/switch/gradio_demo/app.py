import time

import gradio as gr

VERSION = "1"


def greet(name):
    time.sleep(0.1)  # a model would think here
    return f"Hello {name}, this is version {VERSION}"


def count(steps):
    for step in range(int(steps)):
        time.sleep(0.1)
        yield f"step {step + 1} of version {VERSION}"


demo = gr.TabbedInterface(
    [
        gr.Interface(fn=greet, inputs="text", outputs="text", api_name="greet"),
        gr.Interface(fn=count, inputs=gr.Number(value=40), outputs="text", api_name="count"),
    ],
    ["Greet", "Count"],
)

demo.launch()

"""A Gradio app as people write it: it launches itself, and has no idea of releases."""

import os
import time

import gradio as gr


def who(name):
    time.sleep(0.2)
    return f"{name} {os.getpid()}"


def count(number):
    return number + 1, f"{number + 1} {os.getpid()}"


def numbers(until):
    for number in range(int(until)):
        time.sleep(0.2)
        yield f"{number} {os.getpid()}"


with gr.Blocks(title="Who") as demo:
    given, said = gr.Textbox(), gr.Textbox()
    state = gr.State(0)
    gr.Button("Who").click(who, given, said, api_name="who")
    gr.Button("Count").click(count, state, [state, said], api_name="count")
    gr.Button("Numbers").click(numbers, given, said, api_name="numbers")

if __name__ == "__main__":
    demo.queue(default_concurrency_limit=20).launch(server_port=7860, share=False, inbrowser=False)

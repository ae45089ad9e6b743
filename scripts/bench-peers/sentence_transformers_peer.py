"""Embeddings by sentence-transformers on torch, without a server: no time is lost on HTTP, and texts of several clients are one batch.

hearth bench embeddings ... --against-process 'python scripts/bench-peers/sentence_transformers_peer.py FOLDER [--threads 2]'
"""

import argparse
import os

import torch
from answer_lines import answer_lines, seconds_of
from sentence_transformers import SentenceTransformer

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--backend", choices=["torch", "onnx"], default="torch")
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)
model = SentenceTransformer(arguments.folder, device="cpu", backend=arguments.backend)


def embed(request: dict) -> dict[str, float]:
    texts, size = request["texts"], request["batch"] * request["clients"]

    def work() -> None:
        for start in range(0, len(texts), size):
            model.encode(texts[start : start + size], batch_size=min(size, 32), normalize_embeddings=True)

    return {"seconds": seconds_of(work)}


answer_lines(embed)

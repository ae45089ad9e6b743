"""Records sentence-transformers' vectors of all-MiniLM-L6-v2: of its float32 weights, and of the int8 graph that Hearth serves.

    HEARTH_REAL_MODELS=... python scripts/goldens/real_vectors.py     (in the environment of scripts/fixtures/requirements.txt)
"""

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from sentence_transformers import SentenceTransformer

TEXTS = [
    "The cat sits on the mat.",
    "A feline rests on a rug.",
    "Stock prices fell sharply on Monday.",
    "Die Katze sitzt auf der Matte. 猫がマットの上に座っています。",
    "def add(a, b): return a + b  # 12345",
    "word " * 400,
]
FOLDER = Path(os.environ.get("HEARTH_REAL_MODELS") or Path.home() / ".cache/hearth-real-models") / "all-MiniLM-L6-v2"
GOLDEN = Path(__file__).resolve().parents[2] / "test/real-weights/golden/minilm.json"


def main() -> None:
    graph = "onnx/model_quantized.onnx"
    float32 = SentenceTransformer(str(FOLDER), device="cpu")
    int8 = SentenceTransformer(str(FOLDER), device="cpu", backend="onnx", model_kwargs={"file_name": graph})
    libraries = ("sentence-transformers", "transformers", "torch", "onnxruntime")
    source = {
        "reference": ", ".join(f"{name} {version(name)}" for name in libraries),
        "script": "scripts/goldens/real_vectors.py",
        "model": graph,
        "sha256": hashlib.sha256((FOLDER / graph).read_bytes()).hexdigest(),
    }
    lines = [f'"source": {json.dumps(source)}']
    for name, model in (("float32", float32), ("int8", int8)):
        # One by one: the scales of int8 are those of a batch.
        rows = [[round(float(value), 5) for value in model.encode(text, normalize_embeddings=True)] for text in TEXTS]
        lines.append(f'"{name}": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]")
    lines.insert(1, f'"texts": {json.dumps(TEXTS, ensure_ascii=False)}')
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf8")


if __name__ == "__main__":
    main()

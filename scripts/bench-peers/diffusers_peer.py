"""Pictures by diffusers on torch, without a server: Stable Diffusion 1.5's shapes with random weights, or a folder's pipeline.

hearth bench images ... --against-process 'python scripts/bench-peers/diffusers_peer.py [FOLDER] [--threads 2] [--steps 4]'
"""

import argparse
import os

import torch
from answer_lines import answer_lines, seconds_of
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--guidance", type=float, default=7.5)
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)
torch.manual_seed(0)


def shapes_of_sd15() -> StableDiffusionPipeline:
    """The modules of runwayml/stable-diffusion-v1-5 as their configurations have them; what the weights are does not change the time."""
    return StableDiffusionPipeline(
        unet=UNet2DConditionModel(sample_size=64, cross_attention_dim=768),
        vae=AutoencoderKL(
            sample_size=512,
            latent_channels=4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                hidden_size=768,
                intermediate_size=3072,
                num_hidden_layers=12,
                num_attention_heads=12,
                vocab_size=49408,
                projection_dim=768,
            )
        ),
        tokenizer=None,
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


pipeline = (
    shapes_of_sd15()
    if arguments.folder is None
    else StableDiffusionPipeline.from_pretrained(arguments.folder, safety_checker=None)
)
pipeline.set_progress_bar_config(disable=True)


def paint(request: dict) -> dict[str, float]:
    width, height = (int(side) for side in (request["size"] or "512x512").split("x"))

    @torch.inference_mode()
    def work() -> None:
        if pipeline.tokenizer is None:
            # The encoder runs for the prompt and for the empty one; which tokens they are does not change the time.
            tokens = torch.ones(1, 77, dtype=torch.long)
            texts = {
                "prompt_embeds": pipeline.text_encoder(tokens)[0],
                "negative_prompt_embeds": pipeline.text_encoder(tokens)[0],
            }
        else:
            texts = {"prompt": request["prompt"]}
        pipeline(
            **texts,
            width=width,
            height=height,
            num_inference_steps=request["steps"] or arguments.steps,
            num_images_per_prompt=request["n"],
            guidance_scale=arguments.guidance,
        )

    return {"seconds": seconds_of(work)}


answer_lines(paint)

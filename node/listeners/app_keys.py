"""Typed keys of what the listeners' applications hold."""

from aiohttp import web

from node.metrics import Metrics
from node.node import Node

NODE = web.AppKey("node", Node)
METRICS = web.AppKey("metrics", Metrics)
LISTENER = web.AppKey("listener", str)

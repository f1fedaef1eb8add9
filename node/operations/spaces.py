"""Operations that show shared spaces: list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import NoRequest, Progress, operation
from node.spaces.report import SpaceInfo, space_info

if TYPE_CHECKING:
    from node.node import Node


class SpaceList(BaseModel):
    """All joined spaces; `damaged` says which could not be read and why."""

    spaces: tuple[SpaceInfo, ...]
    damaged: tuple[str, ...] = ()


class SpaceName(BaseModel, extra="forbid"):
    """Names one shared space, by name or id."""

    space: str


@operation("space.list", role="asker")
async def list_spaces(node: Node, request: NoRequest, progress: Progress) -> SpaceList:
    """List the shared spaces that this node has joined."""
    del request, progress
    return SpaceList(
        spaces=tuple(space_info(each) for each in node.spaces.all()),
        damaged=tuple(node.spaces.damaged),
    )


@operation("space.show", role="asker")
async def show(node: Node, request: SpaceName, progress: Progress) -> SpaceList:
    """Show one shared space: members, routes, and what was measured."""
    del progress
    return SpaceList(spaces=tuple(space_info(each) for each in node.spaces.find(request.space)))

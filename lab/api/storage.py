# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storages with real files: listing, download, upload, removal. The definitions are fakepve's."""

from __future__ import annotations

import asyncio
import os
import re
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from fakepve.storage import parse_size  # type: ignore[import-untyped]

from lab.api import files
from lab.api.fake import USER, Call, Route, TaskError, die, param_error, response, split_list
from lab.api.faults_storage import StorageFaultArea, no_room
from lab.api.files import KINDS, Part, TransferError
from lab.api.tasks import followed_by, log_line
from lab.api.volumes import is_disk

NODE_STORAGE = "/nodes/{node}/storage/{storage}"
CONTENT = NODE_STORAGE + "/content"
# Below the folder of all files: those of the other nodes of a cluster.
OTHER_NODES = "nodes"
FILE_STORAGES = ("dir", "nfs", "cifs", "cephfs", "btrfs")
KIB = 1024
UPLOADABLE = ("iso", "vztmpl", "import")
# Order of the fields of an upload; PVE's daemon answers an empty 400 for another one.
UPLOAD_FIELDS = ("content", "checksum-algorithm", "checksum", "filename")
BAD_REQUEST = 400
DOWNLOAD_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)


def safe_name(name: str) -> str:
    """A file name as PVE keeps it: what could lead elsewhere becomes an underscore (PVE/Storage.pm)."""
    return re.sub(r"[^a-zA-Z0-9_.-]", "_", name.rpartition("/")[2].rpartition("\\")[2])


def check_extension(content: str, name: str) -> None:
    """Refuse a name that the content type does not have."""
    if not KINDS[content].pattern.fullmatch(name):
        raise param_error(filename="wrong file extension")


async def fetch(url: str, target: Path) -> None:
    """Download ``url`` into a file. Raises TransferError in the words of wget, which PVE calls."""
    place = urlsplit(url)
    address = f"{place.hostname}:{place.port or (443 if place.scheme == 'https' else 80)}"
    try:
        async with aiohttp.ClientSession(timeout=DOWNLOAD_TIMEOUT) as session, session.get(url) as answer:
            if answer.status >= BAD_REQUEST:
                raise TransferError(f"download failed: ERROR {answer.status}: {answer.reason}.")
            with target.open("wb") as stream:
                async for block in answer.content.iter_chunked(files.BLOCK_SIZE):
                    stream.write(block)
    except aiohttp.ClientConnectorError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.os_error)
        raise TransferError(f"download failed: Connecting to {address}... failed: {reason}.") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransferError(f"download failed: {error or 'Connection timed out'}") from error


class StorageArea(StorageFaultArea):
    """Mixin: the content of storages."""

    # Prepended to every path of a storage: the node's root, or a folder of its own for an API without a node.
    files_root: Path

    def routes(self) -> list[Route]:
        """What reads or writes files."""
        return [
            ("POST", NODE_STORAGE + "/download-url", self._download),
            ("POST", CONTENT, self._allocate_volume),
            ("GET", CONTENT + "/{volume}", self._volume_info),
            ("DELETE", CONTENT + "/{volume}", self._remove_volume),
        ]

    # ----------------------------------------------------------------- paths

    def _is_file_storage(self, name: str) -> bool:
        return self.storages[name].get("type", "dir") in FILE_STORAGES

    def storage_folder(self, name: str) -> Path:
        """Where a file-based storage is on this machine: each node has its own folder, unless it is shared."""
        node = self.asked_node()
        own = node == self.node or self.is_shared(name)
        root = self.files_root if own else self.files_root / OTHER_NODES / node
        return root / str(self._base_path(name)).lstrip("/")

    def file_path(self, storage: str, name: str) -> Path:
        """The file of a volume such as ``iso/x.iso``."""
        kind, _, rest = name.partition("/")
        if kind not in KINDS or ".." in Path(rest).parts:
            raise die(f"unable to parse directory volume name '{name}'")
        return self.storage_folder(storage) / KINDS[kind].folder / rest

    def _volumes(self, name: str) -> dict[str, dict[str, Any]]:
        """fakepve's book of volumes, those of the asked node, and the files that are really there."""
        booked: dict[str, dict[str, Any]] = super()._volumes(name)
        if not self.is_shared(name):
            node = self.asked_node()
            booked = {volume: record for volume, record in booked.items() if self.node_of(record) == node}
        if not self._is_file_storage(name):
            return booked
        kept = {volume: record for volume, record in booked.items() if volume.partition("/")[0] not in KINDS}
        found = dict(files.listing(self.storage_folder(name)))
        notes = {volume: booked[volume] for volume in found if volume in booked}
        return kept | {volume: record | _notes(notes.get(volume, {})) for volume, record in found.items()}

    # -------------------------------------------------------------- download

    async def _download(self, call: Call) -> object:
        storage = call["storage"]
        self._need_content(call, call["content"], "storage '{0}' is not configured for content-type '{1}'")
        name = safe_name(call["filename"])
        check_extension(call["content"], name)
        target = self.file_path(storage, f"{call['content']}/{name}")
        shown = self._volume_path(storage, f"{call['content']}/{name}", call["content"])

        async def body() -> None:
            log_line(f"downloading {call['url']} to {shown}")
            await self._bring_in(call, target, shown)

        return await self.task(call["node"], "download", name, call.user, body)

    def _need_content(self, call: Call, content: str, refusal: str) -> None:
        store = self._active_store(call["storage"], call["node"])
        if not self._is_file_storage(call["storage"]):
            raise die(f"can't upload to storage type '{store.get('type')}', not a file based storage!")
        if content not in split_list(store.get("content")):
            raise die(refusal.format(call["storage"], content))

    async def _bring_in(self, call: Call, target: Path, shown: str) -> None:
        algorithm, expected = call.get("checksum-algorithm"), call.get("checksum")
        if target.exists() and algorithm and self._is_already_there(target, algorithm, expected):
            return
        partial = target.with_name(f"{target.name}.tmp_dwnl.{uuid.uuid4().hex[:8]}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            log_line(f"--{time.strftime('%Y-%m-%d %H:%M:%S')}--  {call['url']}")
            await self.take_time(call["storage"])
            self.need_room_for_file(call["storage"], f"download failed: {shown}: ")
            await fetch(call["url"], partial)
            await asyncio.to_thread(files.verify, partial, algorithm, expected)
            partial.replace(target)
        except TransferError as error:
            raise TaskError(str(error)) from error
        finally:
            partial.unlink(missing_ok=True)
        log_line(f"download of '{call['url']}' to '{shown}' finished")

    @staticmethod
    def _is_already_there(target: Path, algorithm: str, expected: str | None) -> bool:
        found = files.checksum(target, algorithm)
        if found == (expected or "").lower():
            log_line("calculating checksum of existing file...OK, got correct file already, no need to download")
            return True
        raise TaskError(f"mismatch (got '{found}' != expect '{expected}'), aborting")

    # ---------------------------------------------------------------- upload

    async def _upload(self, request: web.Request) -> web.Response:
        """PVE's daemon reads the form itself, so it is checked here and not by the schema."""
        try:
            parts = files.form_parts(request.headers.get("Content-Type", ""), await request.read())
            self._check_order(parts)
        except ValueError:
            return web.Response(status=BAD_REQUEST)
        fields = {part.name: part.content.decode("utf-8", "replace") for part in parts if part.filename is None}
        call = Call({**request.match_info, **fields}, str(request[USER]))
        return response(await self._take_upload(call, parts[-1]))

    @staticmethod
    def _check_order(parts: list[Part]) -> None:
        names = [part.name for part in parts]
        if not names or names[-1] != "filename" or names != [name for name in UPLOAD_FIELDS if name in names]:
            raise ValueError("the fields of the form are not in PVE's order")

    async def _take_upload(self, call: Call, part: Part) -> str:
        self.require(call.user, f"/storage/{call['storage']}", "Datastore.AllocateTemplate")
        content = call.get("content")
        if content not in UPLOADABLE:
            choices = ", ".join(UPLOADABLE)
            raise param_error(content=f"value '{content}' does not have a value in the enumeration '{choices}'")
        name = safe_name(part.filename or "")
        check_extension(content, name)
        self._need_content(call, content, "storage '{0}' does not support '{1}' content")
        target = self.file_path(call["storage"], f"{content}/{name}")

        async def body() -> None:
            await self.take_time(call["storage"])
            shown = self._volume_path(call["storage"], f"{content}/{name}", content)
            self.need_room_for_file(call["storage"], f"import failed: cp: error writing '{shown}': ")
            self._store_upload(call, part, target)

        upid: str = await self.task(call["node"], "imgcopy", "", call.user, body)
        return upid

    @staticmethod
    def _store_upload(call: Call, part: Part, target: Path) -> None:
        log_line(f"target node: {call['node']}")
        log_line(f"target file: {target}")
        log_line(f"file size is: {len(part.content)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".tmp_upload")
        partial.write_bytes(part.content)
        try:
            files.verify(partial, call.get("checksum-algorithm"), call.get("checksum"))
            partial.replace(target)
        except TransferError as error:
            raise TaskError(str(error)) from error
        finally:
            partial.unlink(missing_ok=True)
        log_line("finished file import successfully")

    # --------------------------------------------------------------- volumes

    async def _allocate_volume(self, call: Call) -> str:
        if not call["filename"].isprintable():
            raise die(f"unable to parse volume filename '{call['filename']}'")
        if self.is_full(call["storage"]):
            raise die(no_room(self.storages[call["storage"]], call["filename"], parse_size(call["size"]) * KIB))
        volume: str = await self._content_create(call.values, call.user)
        await self.make_volume(volume)
        return volume

    async def _volume_info(self, call: Call) -> dict[str, Any]:
        """PVE looks at the file itself: an ISO image is ``raw`` then (../golden storage)."""
        info: dict[str, Any] = await self._content_info(call.values, call.user)
        kind = self._volume_target(call.values)[4]
        return info | ({"format": "raw", "used": info["size"]} if kind in ("iso", "vztmpl") else {})

    async def _remove_volume(self, call: Call) -> object:
        storage, name, volume, *_ = self._volume_target(call.values)

        async def remove() -> None:
            if is_disk(volume):
                await self.drop_volume(volume)
            elif self._is_file_storage(storage) and name.partition("/")[0] in KINDS:
                self.file_path(storage, name).unlink(missing_ok=True)

        with followed_by(remove):
            return await self._content_delete(call.values, call.user)


def _notes(booked: dict[str, Any]) -> dict[str, Any]:
    """What a client has written about a file."""
    return {key: booked[key] for key in ("notes", "protected") if key in booked}

import contextlib
import gzip
import io
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.provenance.archives import Assets

MEMBERS = {"a.png": b"first", "deep/down/b.png": b"second" * 1000, "empty": b""}


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


def tarred(members, mode="w"):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as file:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return target.getvalue()


ARCHIVES = {
    "x.zip": zipped(MEMBERS),
    "stored.zip": zipped(MEMBERS, zipfile.ZIP_STORED),
    "x.tar": tarred(MEMBERS),
    "x.tar.gz": tarred(MEMBERS, "w:gz"),
    "x.tar.bz2": tarred(MEMBERS, "w:bz2"),
    "x.tar.xz": tarred(MEMBERS, "w:xz"),
}


class Disk:
    """Files in memory that count how often they are opened and read to the end."""

    def __init__(self, **files):
        self.files = files
        self.opened = []

    def open(self, path):
        self.opened.append(path)
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory")
        return io.BytesIO(self.files[path])


def assets(files, max_bytes=1 << 20):
    return Assets(Disk(**files).open, max_bytes)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_members(archive):
    disk = Disk(**ARCHIVES)
    with Assets(disk.open, 1 << 20) as reader:
        for _ in range(2):
            for name in reversed(MEMBERS):
                assert reader.read(f"{archive}!/{name}") == MEMBERS[name]
        for name in ("absent", "deep", "deep/down/", "../a.png", "/a.png", ""):
            with pytest.raises(OSError, match=r"no (member|file)"):
                reader.read(f"{archive}!/{name}")
    assert disk.opened == [archive]


def test_plain_files():
    reader = assets({"a": b"12345", "odd!name": b"x"}, max_bytes=5)
    assert reader.read("a") == b"12345"
    assert reader.read("odd!name") == b"x"
    with pytest.raises(FileNotFoundError):
        reader.read("b")


def test_folders_may_end_like_archives():
    disk = Disk(**{"Hey!/you!/a.png": b"photo", "Hey!/x.zip": zipped({"m!/b.png": b"member"})})
    with Assets(disk.open, 1 << 20) as reader:
        for _ in range(2):
            assert reader.read("Hey!/you!/a.png") == b"photo"
            assert reader.read("Hey!/x.zip!/m!/b.png") == b"member"


@pytest.mark.parametrize("path", ["big", *(f"{name}!/big" for name in ("z", "t", "g"))])
def test_what_is_too_large_is_refused(path):
    big = {"big": b"123456"}
    files = {"big": big["big"], "z": zipped(big), "t": tarred(big), "g": tarred(big, "w:gz")}
    assert assets(files, max_bytes=6).read(path) == b"123456"
    with pytest.raises(OSError, match=r"larger than provenance.max_media_bytes \(5\)"):
        assets(files, max_bytes=5).read(path)


def test_few_archives_stay_open():
    disk = Disk(**{f"{i}.zip": ARCHIVES["x.zip"] for i in range(20)})
    with Assets(disk.open, 1 << 20) as reader:
        for i in [*range(20), 19, 18, 0]:
            assert reader.read(f"{i}.zip!/a.png") == b"first"
    assert disk.opened == [f"{i}.zip" for i in [*range(20), 0]]


def test_bombs_are_refused_before_they_are_unpacked():
    zeros = {"zeros": bytes(64 << 20)}
    bomb_zip, bomb_gz = zipped(zeros), tarred(zeros, "w:gz")
    for bomb in (bomb_zip, bomb_gz):
        with pytest.raises(OSError, match="refused"):
            assets({"x": bomb}, max_bytes=1 << 40).read("x!/zeros")


def test_a_member_that_lies_about_its_size():
    archive = bytearray(zipped({"a": bytes(3000)}))
    directory = archive.rindex(b"PK\x01\x02")
    for size in (0, 10, 1 << 20):
        struct.pack_into("<I", archive, directory + 24, size)
        with contextlib.suppress(OSError):
            assert len(assets({"x": bytes(archive)}, max_bytes=2000).read("x!/a")) <= 2000


def test_a_huge_header_is_refused():
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 10 << 20
    archive = gzip.compress(header.tobuf(tarfile.PAX_FORMAT) + bytes(10 << 20))
    with pytest.raises(OSError, match="header"):
        assets({"x": archive}).read("x!/a")


def test_links_and_devices_are_no_files():
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as file:
        for name, kind in (
            ("s", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
            ("d", tarfile.CHRTYPE),
            ("f", tarfile.FIFOTYPE),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            file.addfile(entry)
    for name in "shdf":
        with pytest.raises(OSError, match="no file"):
            assets({"x": target.getvalue()}).read(f"x!/{name}")


def test_a_broken_archive_is_opened_once():
    disk = Disk(x=b"PK\x03\x04garbage", y=b"garbage")
    with Assets(disk.open, 1 << 20) as reader:
        for _ in range(3):
            for path in ("x!/a", "y!/a", "gone!/a"):
                with pytest.raises(OSError):
                    reader.read(path)
    assert [path for path in disk.opened if "!" not in path] == ["x", "y", "gone"]


@given(st.sampled_from(sorted(ARCHIVES)), st.data())
@settings(max_examples=150, deadline=None)
def test_mutated_archives_raise_nothing_but_oserror(name, data):
    archive = bytearray(ARCHIVES[name])
    for _ in range(data.draw(st.integers(0, 4))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(archive[: data.draw(st.integers(0, len(archive)))])
    for member in MEMBERS:
        with contextlib.suppress(OSError):
            assert len(assets({"x": content}).read(f"x!/{member}")) <= 1 << 20

# SPDX-License-Identifier: GPL-2.0-only
"""Requests to a node with volume 7: good ones, and some without a sense."""
import errno

CLUSTER = bytes.fromhex("5eed0000000040008000000000000001")
STORE = bytes.fromhex("5eed00000000400080000000000000aa")
OTHER = bytes.fromhex("5eed00000000400080000000000000bb")
MIB = 1 << 20
# What a verb needs, and what it has to say without. node-get and what is
# dumped need nothing.
NEEDS = {
    "node-start": ("id", "name", "cluster"),
    "store-add": ("path",),
    "store-remove": ("uuid",),
    "replica-create": ("id", "volume", "shard", "store", "size-bytes", "epoch",
                       "member"),
    "replica-delete": ("id", "epoch"),
    "replica-floor": ("id", "floor-term"),
    "volume-attach": ("id", "name", "size-bytes", "term", "shard"),
    "volume-detach": ("id",),
    "volume-set": ("id",),
    "peer-get": ("id",),
    "peer-add": ("id",),
    "peer-remove": ("id",),
    "link-add": ("peer", "link", "fd"),
    "link-remove": ("peer", "link"),
}
# Requests that would do something: what is wrong with one is all that keeps it
# from that.
MEMBER = {"node": 1, "replica": 8001}
GOOD = {
    "node": {"id": 1, "name": "n1", "cluster": CLUSTER, "lineage": 0,
             "lease-ms": 1500},
    "store": {"path": "/dev/qe", "uuid": OTHER, "opens-min": 0},
    "replica": {"id": 8001, "volume": 8, "shard": 0, "store": STORE,
                "size-bytes": 16 * MIB, "epoch": 1, "member": MEMBER,
                "floor-term": 9},
    "volume": {"id": 8, "name": "vol8", "size-bytes": 16 * MIB,
               "shard-bytes": 64 * MIB, "term": 1, "on-no-quorum": 1,
               "no-quorum-ms": 4321, "read-policy": 0,
               "shard": {"number": 0, "epoch": 1, "member": MEMBER},
               "force": True, "more": True},
    "shard": {"volume": 7},
    "peer": {"id": 9, "links": 2},
    "link": {"peer": 2, "link": 0, "fd": 0, "accept": True},
}
GOOD_FOR = {
    "volume-set": {"id": 7}, "volume-detach": {"id": 7},
    "store-remove": {"uuid": STORE}, "peer-get": {"id": 2},
    "peer-remove": {"id": 2},
}

# Right in form, without a sense: verb, what is changed of what is good, the
# error, the attribute that is named, and the words.
SENSELESS = [
    ("node-start", {}, errno.EEXIST, None, "is a node already"),
    ("node-start", {"name": "a/b"}, errno.EINVAL, "name", "a name is"),
    ("node-start", {"name": ""}, errno.EINVAL, "name", "a name is"),
    ("node-start", {"name": b"\xc3\xa4\0"}, errno.EINVAL, "name", "a name is"),
    ("node-start", {"cluster": bytes(16)}, errno.EINVAL, "cluster", "no uuid"),
    ("node-start", {"lease-ms": 99}, errno.EINVAL, "lease-ms", "a lease is"),
    ("node-start", {"lease-ms": 0xffffffff}, errno.EINVAL, "lease-ms", "lease"),
    ("node-stop", {}, errno.EBUSY, None, "volumes are attached"),
    ("node-stop", {"id": 2}, errno.ENOENT, "id", "this is node 1"),
    ("node-crash", {"id": 0xffffffff}, errno.ENOENT, "id", "this is node 1"),
    ("store-add", {"path": ""}, errno.EINVAL, "path", "can't be used"),
    ("store-add", {"path": "qd"}, errno.ENOENT, "path", "no such device"),
    ("store-add", {"path": "/dev/null"}, errno.ENOTBLK, "path", "not a block"),
    ("store-add", {"path": "/" * 4095}, errno.E2BIG, "path", "longer than"),
    ("store-add", {"path": "/dev/qd"}, errno.EEXIST, "path", "already"),
    ("store-remove", {}, errno.EBUSY, "uuid", "volume attached here uses it"),
    ("store-remove", {"uuid": OTHER}, errno.ENOENT, "uuid", "no such store"),
    ("store-remove", {"uuid": bytes(16)}, errno.ENOENT, "uuid", "no such"),
    ("replica-create", {"id": 0}, errno.EINVAL, "id", "begin with 1"),
    ("replica-create", {"volume": 0}, errno.EINVAL, "volume", "begin with 1"),
    ("replica-create", {"shard": 65536}, errno.ERANGE, "shard", "at most"),
    ("replica-create", {"size-bytes": 0}, errno.EINVAL, "size-bytes", "4096"),
    ("replica-create", {"size-bytes": (1 << 64) - 4096}, errno.EINVAL,
     "size-bytes", "above 64G"),
    ("replica-create", {"member": {"node": 2, "replica": 8001}}, errno.EINVAL,
     "member", "not a member"),
    ("replica-create", {"member": {"node": 1}}, errno.EINVAL, "member",
     "a node and a replica"),
    ("replica-create", {"member": b""}, errno.EINVAL, "member",
     "a node and a replica"),
    ("replica-create", {"member": [MEMBER] * 8}, errno.EINVAL, "member",
     "at most 7 members"),
    ("replica-create", {"store": OTHER}, errno.ENOENT, "store", "no such"),
    ("replica-create", {"volume": 7}, errno.EBUSY, "shard", "has a replica"),
    ("replica-delete", {"id": 0}, errno.EINVAL, "id", "begin with 1"),
    ("replica-delete", {}, errno.ENOENT, "id", "no such replica"),
    ("replica-delete", {"id": 7001}, errno.EBUSY, "id", "attached here"),
    ("replica-floor", {"floor-term": 0}, errno.EINVAL, "floor-term", "terms"),
    ("replica-floor", {"floor-term": 1 << 63}, errno.ERANGE, "floor-term",
     "terms end at"),
    ("replica-floor", {"id": 0}, errno.ENOENT, "id", "no such replica"),
    ("volume-attach", {"term": 0}, errno.EINVAL, "term", "begin with 1"),
    ("volume-attach", {"term": (1 << 64) - 1}, errno.ERANGE, "term", "end at"),
    ("volume-attach", {"name": "../x"}, errno.EINVAL, "name", "a name is"),
    ("volume-attach", {"name": "vol7"}, errno.EEXIST, "name", "has this name"),
    ("volume-attach", {"id": 7}, errno.EBUSY, "id", "attached here already"),
    ("volume-attach", {"size-bytes": 0}, errno.EINVAL, "size-bytes", "4096"),
    ("volume-attach", {"size-bytes": 4097}, errno.EINVAL, "size-bytes", "4096"),
    ("volume-attach", {"size-bytes": (1 << 64) - 4096}, errno.EFBIG,
     "size-bytes", "more than 65536 shards"),
    ("volume-attach", {"shard-bytes": 0}, errno.EINVAL, "shard-bytes", "power"),
    ("volume-attach", {"shard-bytes": 1 << 63}, errno.EINVAL, "shard-bytes",
     "power"),
    ("volume-attach", {"shard-bytes": 64 * MIB + 4096}, errno.EINVAL,
     "shard-bytes", "power"),
    ("volume-attach", {"no-quorum-ms": 0xffffffff}, errno.EINVAL,
     "no-quorum-ms", "longer than"),
    ("volume-attach", {"shard": b""}, errno.EINVAL, "shard", "a number and"),
    ("volume-attach", {"shard": {"number": 0, "epoch": 1}}, errno.EINVAL,
     "shard", "1 to 7 members"),
    ("volume-attach", {"shard": {"number": 1, "epoch": 1, "member": MEMBER}},
     errno.ERANGE, "shard", "shard 1: the volume has 1"),
    ("volume-attach", {"shard": {"number": 0xffffffff, "epoch": 1,
                                 "member": MEMBER}},
     errno.ERANGE, "shard", "shard 4294967295: the volume has 1"),
    ("volume-attach", {"shard": [{"number": 0, "epoch": 1,
                                  "member": MEMBER}] * 2},
     errno.EEXIST, "shard", "shard 0 is given twice"),
    ("volume-attach", {"shard": [{"number": 0, "epoch": 1,
                                  "member": MEMBER}] * 500},
     errno.EEXIST, "shard", "shard 0 is given twice"),
    ("volume-attach", {"shard": {"number": 0, "epoch": 1,
                                 "member": [MEMBER] * 2}},
     errno.EINVAL, "shard", "a member twice"),
    ("volume-attach", {"shard": {"number": 0, "epoch": 1,
                                 "member": [MEMBER] * 1000}},
     errno.EINVAL, "shard", "at most 7 members"),
    ("volume-attach", {"shard": {"number": 0, "epoch": 1,
                                 "member": {"node": 1}}},
     errno.EINVAL, "shard", "a node and a replica"),
    ("volume-attach", {"shard": {"number": 0, "epoch": 1,
                                 "member": {"node": 1, "replica": 0}}},
     errno.EINVAL, "shard", "member without an id"),
    ("volume-detach", {"id": 8}, errno.ENOENT, "id", "no such volume"),
    ("volume-set", {"id": 8}, errno.ENOENT, "id", "no such volume"),
    ("volume-set", {"no-quorum-ms": 86400001}, errno.EINVAL, "no-quorum-ms",
     "longer than"),
    ("peer-get", {"id": 3}, errno.ENOENT, "id", "no such peer"),
    ("peer-add", {"id": 1}, errno.EINVAL, "id", "another node"),
    ("peer-remove", {"id": 3}, errno.ENOENT, "id", "no such peer"),
    ("link-add", {"peer": 3}, errno.ENOENT, "peer", "no such peer"),
    ("link-add", {"link": 7}, errno.EINVAL, "link", "has 2 links"),
    ("link-add", {"fd": 0xffffffff}, errno.EBADF, "fd", "not a file desc"),
    ("link-add", {"fd": 0x7fffffff}, errno.EBADF, "fd", "no socket"),
    ("link-remove", {"peer": 3}, errno.ENOENT, "peer", "no such peer"),
    ("link-remove", {"link": 7}, errno.EINVAL, "link", "has 2 links"),
]


def example(spec, verb, how="do"):
    """What the verb takes, in a way that it would accept."""
    about = spec.verbs[verb, how]
    values = {**GOOD[about["set"]], **GOOD_FOR.get(verb, {})}
    return {key: values[key] for key in about["takes"]}

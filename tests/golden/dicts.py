"""TensorDict's operations on dicts of many shapes: tests/golden/dicts.safetensors, which tests/test_dict_golden.c replays.

The metadata entry "cases" is a list of {op, dicts, ints, keys, tensor, text} with the result: `out`, a list of dicts
described by their batch size and entries, [path, batch size] for a nested dict and [path, null] for a tensor; or `value`;
or `names`. "dicts" describes the operands in the same way. Tensors are "in.DICT.PATH", "tensor.NAME", "out.CASE.I.PATH".

(The name is not tensordict.py because Python would then import this file in place of the package.)
"""
import importlib.metadata
import itertools
import json

import torch
from safetensors.torch import save_file
from tensordict import TensorDict, cat, stack

from common import FOLDER, PACKAGES

DTYPES = [torch.bool, torch.uint8, torch.int32, torch.int64, torch.float32, torch.float64]  # rlc's order
tensors, dicts, descriptions, cases = {}, {}, {}, []


def values(dtype, *shape, first=0):
    count = torch.Size(shape).numel()
    x = torch.arange(first, first + count, dtype=torch.int64).reshape(shape)
    return x % 3 == 0 if dtype == torch.bool else (x % 200).to(dtype) / (4 if dtype.is_floating_point else 1)


def sample(*batch, first=0):
    """Types and depths mixed; one tensor without elements, one of exactly the batch's shape."""
    make = lambda dtype, *more: values(dtype, *batch, *more, first=first)
    return TensorDict({"a": make(torch.int64, 2), "b": make(torch.float32), "z": make(torch.float64, 0),
                       "n": {"c": make(torch.float32, 3), "m": {"d": make(torch.bool, 1), "u": make(torch.uint8)}}},
                      batch)


def agents(*batch, first=0):
    """A nested dict with more batch dimensions than the one it is in, and an empty one."""
    make = lambda dtype, *more: values(dtype, *batch, *more, first=first)
    inner = TensorDict({"y": make(torch.int32, 2), "w": make(torch.float32, 2, 1)}, (*batch, 2))
    return TensorDict({"x": make(torch.float64, 3), "agents": inner, "e": TensorDict({}, batch)}, batch)


def name_of(key):
    return key if isinstance(key, str) else ".".join(key)


def path_of(name):
    return tuple(name.split("."))


def describe(td, prefix):
    entries = []
    for key, value in td.items(include_nested=True):
        nested = isinstance(value, TensorDict)
        entries.append([name_of(key), list(value.batch_size) if nested else None])
        if not nested:
            tensors[f"{prefix}.{name_of(key)}"] = value.clone(memory_format=torch.contiguous_format)
    return {"batch": list(td.batch_size), "entries": entries}


def operand(name, td):
    dicts[name] = td
    descriptions[name] = describe(td, f"in.{name}")


def index(name, data, dtype=torch.int64):
    tensors[f"tensor.{name}"] = torch.tensor(data, dtype=dtype)
    return name


def case(op, names, result, **arguments):
    names = [names] if isinstance(names, str) else names
    entry = {"op": op, "dicts": names, **arguments}
    if isinstance(result, TensorDict):
        result = [result]
    if isinstance(result, (bool, int)):
        entry["value"] = int(result)
    elif all(isinstance(r, TensorDict) for r in result):
        entry["out"] = [describe(td, f"out.{len(cases)}.{i}") for i, td in enumerate(result)]
    else:
        entry["names"] = [name_of(key) for key in result]
    cases.append(entry)


operand("pair", sample(2, 3))
operand("pair2", sample(2, 3, first=50))
operand("tall", sample(4, 3, first=100))
operand("line", sample(5))
operand("number", sample())
operand("hollow", sample(0, 3))
operand("ones", sample(1, 2, 1))
operand("cube", agents(2, 2, 3))
operand("cube2", agents(2, 2, 3, first=30))
operand("team", agents(3))
operand("bare", TensorDict({}, (2, 3)))
operand("flat", TensorDict({"a_b": values(torch.float32, 2), "a_c_d": values(torch.int64, 2, 2), "e": values(torch.bool, 2)},
                           (2,)))
SHAPED = ["pair", "line", "number", "hollow", "ones", "cube", "team", "bare"]


def dims(td):
    return range(-td.batch_dims, td.batch_dims)


def shape_cases():
    reshapes = {"pair": [(6,), (-1,), (3, 2), (1, -1, 6), (2, 3)], "line": [(5, 1), (1, -1), (-1,)],
                "number": [(1,), (-1,), (1, 1)], "hollow": [(0,), (3, 0), (0, 2, 5)], "ones": [(2,), (-1, 2)],
                "cube": [(12,), (4, 3), (2, -1), (3, 2, 2)], "team": [(3, 1), (-1,)], "bare": [(6,), (3, -1)]}
    for name, shapes in reshapes.items():
        for shape in shapes:
            case("reshape", name, dicts[name].reshape(*shape), ints=shape)
            case("view", name, dicts[name].view(*shape), ints=shape)
    for name in SHAPED:
        td = dicts[name]
        for dim in range(-td.batch_dims - 1, td.batch_dims + 1):
            case("unsqueeze", name, td.unsqueeze(dim), ints=[dim])
        for dim in dims(td):
            case("squeeze", name, td.squeeze(dim), ints=[dim])
        for a, b in itertools.combinations(range(td.batch_dims), 2):
            case("flatten", name, td.flatten(a, b), ints=[a, b])
            case("transpose", name, td.transpose(a, b), ints=[a, b])
            case("transpose", name, td.transpose(b - td.batch_dims, a), ints=[b - td.batch_dims, a])
        if td.batch_dims > 1:
            for order in itertools.permutations(range(td.batch_dims)):
                case("permute", name, td.permute(*order), ints=order)
        for front in [(), (2,), (0,), (3, 1)]:
            case("expand", name, td.expand(*front, *td.batch_size), ints=[*front, *td.batch_size])
    case("permute", "cube", dicts["cube"].permute(-1, 0, -2), ints=[-1, 0, -2])
    case("flatten", "cube", dicts["cube"].flatten(0, -1), ints=[0, -1])
    case("flatten", "number", dicts["number"].flatten(), ints=[0, -1])
    case("expand", "ones", dicts["ones"].expand(4, 2, 3), ints=[4, 2, 3])
    case("expand", "ones", dicts["ones"].expand(2, 1, 2, 5), ints=[2, 1, 2, 5])
    for name in ["pair", "ones", "number"]:
        case("squeeze", name, dicts[name].squeeze(), ints=[])
    for name, dim, sizes in [("pair", 0, (2, 1)), ("pair", 1, (1, 3)), ("pair", -1, (3, 1)), ("tall", 0, (2, 2)),
                             ("hollow", 0, (0, 2)), ("cube", 1, (2, 1)), ("line", 0, (1, 5, 1))]:
        case("unflatten", name, dicts[name].unflatten(dim, sizes), ints=[dim, *sizes])


def part_cases():
    for name in SHAPED:
        td = dicts[name]
        for dim in dims(td):
            before = (slice(None),) * (dim % td.batch_dims)
            for i in [0, -1] if td.batch_size[dim] > 0 else []:
                case("at", name, td[(*before, i)], ints=[dim, i])
            for start, stop, step in [(0, 2, 1), (1, None, 1), (-1, None, 1), (0, -1, 1), (0, None, 2), (1, None, 2),
                                      (0, None, 100), (2, 1, 1), (-100, 100, 3)]:
                if dim >= 0:
                    case("slice", name, td[(*before, slice(start, stop, step))], ints=[dim, start, stop, step])
            case("unbind", name, td.unbind(dim), ints=[dim])
            if td.batch_size[dim] > 0:  # tensordict has no parts of nothing
                for size in [1, 2, 7]:
                    case("split", name, td.split(size, dim), ints=[size, dim])
    for name, dim, sizes in [("pair", 1, [1, 2]), ("pair", 0, [0, 2]), ("line", 0, [2, 3]), ("line", -1, [1, 1, 3]),
                             ("cube", -1, [3]), ("cube", 2, [2, 0, 1])]:
        case("split_sizes", name, dicts[name].split(sizes, dim), ints=[dim, *sizes])
    rows = {"one": [1], "some": [1, 0, 1, 1], "none": [], "square": [[1, 0], [0, 1]], "single": 1}
    for label, data in rows.items():
        index(label, data)
        for name in ["pair", "line", "cube", "team", "bare"]:
            case("index", name, dicts[name][tensors[f"tensor.{label}"]], tensor=label)
            if label in ("one", "some", "none"):
                for dim in dims(dicts[name]):
                    before = (slice(None),) * (dim % dicts[name].batch_dims)
                    case("index_select", name, dicts[name][(*before, tensors[f"tensor.{label}"])], ints=[dim], tensor=label)
    masks = {"rows2": [True, False], "no2": [False, False], "all2": [True, True],
             "some23": [[True, False, True], [False, False, True]], "no23": [[False] * 3] * 2, "all23": [[True] * 3] * 2,
             "rows5": [False, True, True, False, True], "rows22": [[True, False], [True, True]],
             "rows223": [[[True, False, True], [False, True, False]], [[False, False, True], [True, False, False]]]}
    for label, data in masks.items():
        index(label, data, torch.bool)
        mask = tensors[f"tensor.{label}"]
        for name in ["pair", "line", "cube", "bare"]:
            if dicts[name].batch_size[:mask.ndim] == mask.shape:
                case("mask", name, dicts[name][mask], tensor=label)
    tensors["tensor.hollow_mask"] = torch.zeros(0, 3, dtype=torch.bool)
    case("mask", "hollow", dicts["hollow"][tensors["tensor.hollow_mask"]], tensor="hollow_mask")
    gathers = [("pair", 0, [[1, 0, 1]]), ("pair", 1, [[2, 0], [1, 1]]), ("pair", -1, [[2, 0, 0, 1], [1, 1, 2, 2]]),
               ("line", 0, [4, 4, 0]), ("cube", 1, [[[0, 1, 0]], [[1, 1, 0]]]), ("cube", -1, [[[0], [2]], [[1], [1]]]),
               ("team", 0, [2, 0])]
    for i, (name, dim, data) in enumerate(gathers):
        label = index(f"gather{i}", data)
        case("gather", name, dicts[name].gather(dim, tensors[f"tensor.{label}"]), ints=[dim], tensor=label)


def join_cases():
    for names in [["pair", "pair2"], ["pair", "pair2", "pair"], ["hollow", "hollow"], ["cube", "cube2"], ["line"],
                  ["bare", "bare"], ["number", "number"]]:
        tds = [dicts[name] for name in names]
        for dim in range(-tds[0].batch_dims - 1, tds[0].batch_dims + 1):
            case("stack", names, stack(tds, dim), ints=[dim])
        for dim in dims(tds[0]):
            case("cat", names, cat(tds, dim), ints=[dim])
    for names, dim in [(["pair", "tall"], 0), (["tall", "pair", "hollow"], 0), (["hollow", "pair"], -2)]:
        case("cat", names, cat([dicts[name] for name in names], dim), ints=[dim])


def entry_cases():
    for name in ["pair", "cube", "bare", "flat", "line"]:
        td = dicts[name]
        for nested, leaves in itertools.product([False, True], repeat=2):
            case("keys", name, list(td.keys(nested, leaves)), ints=[int(nested), int(leaves)])
        case("is_empty", name, td.is_empty())
        case("clone", name, td.clone(recurse=False))
        case("clone_deep", name, td.clone())
        case("apply", name, td.apply(lambda x: x.double() * 2 + 1))
        for i, dtype in enumerate(DTYPES):
            case("cast", name, td.to(dtype), ints=[i])
    operand("branches", TensorDict({"n": {"m": {}}, "e": {}}, (2,)))
    case("is_empty", "branches", dicts["branches"].is_empty())
    case("flatten_keys", "branches", dicts["branches"].flatten_keys("_"), text="_")
    choices = {"pair": [["a"], ["b", "n.c"], ["n"], ["n.m.d", "z"], ["n.m", "a"], ["n.c", "n.m.u"], []],
               "cube": [["x"], ["agents.y"], ["agents"], ["e"], ["agents.w", "e", "x"]]}
    for name, lists in choices.items():
        for keys in lists:
            case("select", name, dicts[name].select(*map(path_of, keys)), keys=keys)
            case("exclude", name, dicts[name].exclude(*map(path_of, keys)), keys=keys)
        for keys in [["nothing"], ["x", "nothing"], ["n.nothing"], ["agents.nothing", "agents.y"]]:
            present = [k for k in keys if "." not in k or k.split(".")[0] in dicts[name].keys()]
            case("select_present", name, dicts[name].select(*map(path_of, present), strict=False), keys=present)
            case("exclude", name, dicts[name].exclude(*map(path_of, keys)), keys=keys)
    for source, target in [("a", "c"), ("a", "b"), ("n", "q"), ("n.c", "c"), ("a", "n.a"), ("n.m.d", "n.d"), ("n.m", "m"),
                           ("a", "a"), ("b", "n.m.u")]:
        td = dicts["pair"].clone()
        case("rename", "pair", td.rename_key_(path_of(source), path_of(target)), keys=[source, target])
    for key in ["a", "n", "n.c", "n.m.u"]:
        case("del", "pair", dicts["pair"].clone().del_(path_of(key)), keys=[key])
    tensors["tensor.fresh"] = values(torch.int32, 2, 3, 2, first=7)
    for key in ["a", "q", "n.c", "n.q", "q.r.s", "n"]:
        td = dicts["pair"].clone()
        case("set", "pair", td.set(path_of(key), tensors["tensor.fresh"]), keys=[key], tensor="fresh")
    operand("extra", TensorDict({"a": values(torch.float64, 2, 3, first=90), "q": {"r": values(torch.int64, 2, 3)},
                                 "n": {"c": values(torch.bool, 2, 3), "k": values(torch.int64, 2, 3, 1)}}, (2, 3)))
    for names in [["pair", "pair2"], ["pair", "extra"], ["bare", "pair"], ["pair", "bare"]]:
        case("update", names, dicts[names[0]].clone().update(dicts[names[1]]))
    for names in [["pair", "pair2"], ["cube", "cube2"]]:
        case("assign", names, dicts[names[0]].clone().update_(dicts[names[1]]))
    for name in ["pair", "cube", "bare", "line", "flat"]:
        for separator in ["_", "/", "--"]:
            flat = dicts[name].flatten_keys(separator)
            case("flatten_keys", name, flat, text=separator)
            label = f"{name}{separator}"
            operand(label, flat)
            case("unflatten_keys", label, flat.unflatten_keys(separator), text=separator)
    for names in [["pair", "pair"], ["pair", "pair2"], ["cube", "cube2"], ["hollow", "hollow"]]:
        case("equal", names, bool((dicts[names[0]] == dicts[names[1]]).all()))


shape_cases()
part_cases()
join_cases()
entry_cases()
compact = {"separators": (",", ":")}
metadata = {"cases": json.dumps(cases, **compact), "dicts": json.dumps(descriptions, **compact)}
metadata |= {p: importlib.metadata.version(p) for p in PACKAGES}
save_file({k: v.contiguous() for k, v in tensors.items()}, FOLDER / "dicts.safetensors", metadata=metadata)
print(f"dicts.safetensors: {len(cases)} cases, {len(tensors)} tensors")

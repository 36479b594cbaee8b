# SPDX-License-Identifier: MIT
"""Runs the Conan recipe against stand-ins for Conan, which Debian doesn't have.

It holds what the recipe asks for against what Conan Center offers, and what it offers against the
components of the CMake package. It can't tell whether Conan itself accepts the recipe.
"""

import importlib.util
import pathlib
import re
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Names, versions, options and CMake targets of Conan Center.
CENTER = {
    "nlohmann_json/3.11.3": ({}, "nlohmann_json::nlohmann_json"),
    "cpp-jwt/1.4": ({}, "cpp-jwt::cpp-jwt"),
    "asio/1.28.1": ({}, "asio::asio"),
    "openssl/[>=3 <4]": ({}, "openssl::crypto"),
    "zlib/[>=1.2.11 <2]": ({}, "zlib::zlib"),
    "liburing/2.11": ({}, "liburing::liburing"),
    "websocketpp/0.8.2": (
        {
            "asio": ["boost", "standalone", False],
            "with_openssl": [True, False],
            "with_zlib": [True, False],
        },
        "websocketpp::websocketpp",
    ),
    "cnats/3.9.3": ({"shared": [True, False], "with_tls": [True, False]}, "cnats::cnats"),
}


class Options(types.SimpleNamespace):
    """The options of a package, as a recipe reads them."""

    def get_safe(self, name):
        return getattr(self, name, None)

    def rm_safe(self, name):
        self.__dict__.pop(name, None)


class Component:
    def __init__(self):
        self.properties = {}

    def set_property(self, name, value):
        self.properties[name] = value


class Components(dict):
    def __missing__(self, name):
        self[name] = Component()
        return self[name]


class ConanFile:
    """Keeps what a recipe asks for."""

    def __init__(self, **options):
        self.recipe_folder = str(ROOT / "conan")
        self.export_sources_folder = "/export"
        self.source_folder = "/source"
        self.package_folder = "/package"
        own = {k: v for k, v in self.default_options.items() if ":" not in k}
        self.options = Options(**{**own, **options})
        self.cpp_info = types.SimpleNamespace(components=Components())
        self.required = []
        self.version = None
        self.conan_data = {"sources": {}}

    def requires(self, reference):
        self.required.append(reference)


copied = []


def copy(_recipe, pattern, src, dst):
    copied.append((pattern, pathlib.Path(src).resolve(), dst))


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


def load_recipe():
    stand_in("conan", ConanFile=ConanFile)
    stand_in("conan.errors", ConanInvalidConfiguration=type("Invalid", (Exception,), {}))
    stand_in("conan.tools")
    stand_in("conan.tools.build", check_min_cppstd=lambda recipe, standard: None)
    stand_in("conan.tools.files", copy=copy, get=None, load=lambda recipe, path: pathlib.Path(path).read_text())
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("recipe", ROOT / "conan" / "conanfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.OrdercastRecipe


def check(recipe):
    everything = recipe()

    everything.configure()
    everything.set_version()
    assert f'"{everything.version}"' in (ROOT / "include/ordercast/version.hpp").read_text()

    everything.requirements()
    assert sorted(everything.required) == sorted(CENTER), everything.required
    for setting, value in recipe.default_options.items():
        if ":" not in setting:
            assert value in recipe.options[setting], setting
            continue
        package, option = setting.split("/*:")
        offered = next(options for ref, (options, _) in CENTER.items() if ref.startswith(package + "/"))
        assert value in offered.get(option, []), setting

    everything.export_sources()
    for pattern, folder, _ in copied:
        assert any(folder.glob(pattern.replace("*.hpp", "**/*.hpp"))), pattern

    everything.package_info()
    offered = {c.properties["cmake_target_name"] for c in everything.cpp_info.components.values()}
    installed = re.findall(r"^\s*ordercast_component\((\w+)", "\n".join(
        path.read_text() for path in (ROOT / "CMakeLists.txt", *ROOT.glob("transports/*/CMakeLists.txt"))
    ), re.MULTILINE)
    assert offered == {f"ordercast::{name}" for name in installed}, offered
    targets = {target for _, target in CENTER.values()} | {"openssl::ssl"} | set(everything.cpp_info.components)
    for component in everything.cpp_info.components.values():
        assert set(component.requires) <= targets, component.requires

    core = recipe(asio=False, jwt=False, nats=False, tls=False, websocketpp=False)
    core.configure()
    core.requirements()
    core.package_info()
    assert core.required == ["nlohmann_json/3.11.3"], core.required
    assert list(core.cpp_info.components) == ["core"]


check(load_recipe())
print("ok")

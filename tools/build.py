# SPDX-License-Identifier: MIT
"""From sources to an image: kernel objects by make, the application by musl-gcc, one link, an ISO.

An application is any C program. It is compiled with musl, partially linked with the whole of musl it needs, and every
symbol but its entry is made local, so that no name of it can meet a name of the kernel. What is left undefined is
compared with a list: a libc function that is missing must not bind to a kernel function of the same name.

Interface: build_image(settings) -> path of the ELF; build_iso(settings, image, cmdline, module, out); app_name(app).
"""
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from settings import ROOT, Failure

# What the linker script provides for an application.
APP_UNDEFINED = {
    "_DYNAMIC", "_GLOBAL_OFFSET_TABLE_", "__init_array_start", "__init_array_end", "__fini_array_start",
    "__fini_array_end",
}
LDFLAGS = ["-nostdlib", "-static", "-z", "max-page-size=4096", "-z", "noexecstack", "--build-id=none",
           "--fatal-warnings", "-T", "linker.ld"]
LIBC_DIR = ROOT / "apps/libc"  # what an application may need beside musl
LIBC_WRAPPED = ["__res_msend_rc"]  # musl's functions that have a second storey there
APP_FLAGS = ["-O2", "-g", "-fno-pie", "-fcf-protection=none", "-Wall"]
EPOCH = 1577836800  # 2020-01-01: the one date in an ISO


def run(argv, what, chatty=False, **kwargs):
    """Runs a tool from the root of the tree; its complaint becomes ours. Returns what it printed.

    @chatty: the tool writes to stderr also when all is well.
    """
    try:
        done = subprocess.run([str(a) for a in argv], cwd=ROOT, text=True, capture_output=True, check=False, **kwargs)
    except FileNotFoundError:
        raise Failure(f"{argv[0]} is missing: make deps installs it (make doctor lists what is missing)") from None
    if done.returncode:
        raise Failure(f"{what} failed:\n{(done.stdout + done.stderr).strip()}")
    if done.stderr.strip() and not chatty:
        print(done.stderr.strip(), file=sys.stderr)
    return done.stdout


def make(goal, settings, **variables):
    """Calls the Makefile back; make's own environment is not inherited, so that this is a fresh make."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    words = [f"CC={settings.cc}", f"DEBUG={int(settings.debug)}"] + [f"{k}={v}" for k, v in variables.items()]
    done = subprocess.run(["make", "--no-print-directory", f"-j{os.cpu_count()}", goal, *words],
                          cwd=ROOT, env=env, check=False)
    if done.returncode:
        raise Failure(f"make {goal} failed")


def changed(stamp, key):
    """True when @key differs from the one kept at @stamp (then the stamp is removed until the work is done)."""
    if stamp.exists() and stamp.read_text() == key:
        return False
    stamp.unlink(missing_ok=True)
    return True


def digest(parts):
    """One hash over words and the contents of files."""
    h = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        h.update(len(data).to_bytes(8, "little") + data)
    return h.hexdigest()


# --- The application ------------------------------------------------------------------------------------------------------
def app_sources(app):
    """APP= as the user wrote it -> (name, list of C files)."""
    for place in (ROOT / "apps" / f"{app}.c", ROOT / "apps" / app, Path(app)):
        if place.is_file() and place.suffix == ".c":
            return place.stem, [place]
        if place.is_dir():
            files = sorted(place.glob("*.c"))
            if files:
                return place.resolve().name, files
            raise Failure(f"APP={app}: the folder holds no C file")
    known = sorted(p.stem for p in (ROOT / "apps").glob("*.c"))
    raise Failure(f"APP={app}: neither a name under apps/ ({', '.join(known)}) nor a C file nor a folder of C files")


def app_name(app):
    """The name an image bears: safe for QEMU's option syntax and for a kernel command line."""
    name, _ = app_sources(app)
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)


def headers_of(depfile):
    """The files a dependency file of gcc names (it writes a space in a name as backslash space)."""
    if not depfile.exists():
        return []
    text = depfile.read_text().replace("\\\n", " ").split(":", 1)[1]
    return [Path(word.replace("\\ ", " ")) for word in re.findall(r"(?:\\.|\S)+", text)]


def build_app(app, build_dir):
    """Compiles and closes the application; returns the path of app.app.o."""
    name, sources = app_sources(app)
    out = ROOT / build_dir / "app" / app_name(app)
    out.mkdir(parents=True, exist_ok=True)
    flags = APP_FLAGS + (["-Wextra", "-Werror"] if sources[0].is_relative_to(ROOT) else [])
    objects, deps = [], []
    for source in sources:
        objects.append(out / f"{source.stem}.c.o")
        deps.append(out / f"{source.stem}.c.d")
    result, stamp = out / "app.app.o", out / "stamp"
    ours = sorted(LIBC_DIR.glob("*.c"))
    inputs = [*sources, *ours] + [h for d in deps for h in headers_of(d)]
    key = digest([*flags, str(ROOT), Path(__file__)] + [p if p.exists() else str(p) for p in inputs])
    if result.exists() and not changed(stamp, key):
        return result.relative_to(ROOT)
    print(f"  APP     {app}")
    for source, obj, dep in zip(sources, objects, deps):
        compile_for_musl(source, obj, flags, name, ["-MMD", "-MF", dep])
    extra = out / "libextra.a"
    extra.unlink(missing_ok=True)
    for source in ours:
        compile_for_musl(source, out / f"libc-{source.stem}.o", APP_FLAGS, "libc", [])
    run(["ar", "rcD", extra, *(out / f"libc-{source.stem}.o" for source in ours)], "ar")
    libc = Path(run(["musl-gcc", "-print-file-name=libc.a"], "musl-gcc").strip())
    if not libc.is_absolute() or "musl" not in str(libc):
        libc = musl_libc()
    libgcc = run(["gcc", "-print-libgcc-file-name"], "gcc").strip()
    ld = ["ld", "-r", "-o", result, *(f"--wrap={f}" for f in LIBC_WRAPPED), libc.parent / "crt1.o", libc.parent / "crti.o",
          *objects, "--start-group", libc, extra, libgcc, "--end-group", libc.parent / "crtn.o"]
    run(ld, f"linking {app} with musl")
    run(["objcopy", "--redefine-sym", "_start=app_start", "--keep-global-symbol=app_start", result], "objcopy")
    left = {line.split()[-1] for line in run(["nm", "-u", result], "nm").splitlines() if line.strip()}
    if left - APP_UNDEFINED:
        result.unlink()
        raise Failure(f"APP={app} uses what is nowhere defined: {', '.join(sorted(left - APP_UNDEFINED))}")
    inputs = [*sources, *ours] + [h for d in deps for h in headers_of(d)]
    stamp.write_text(digest([*flags, str(ROOT), Path(__file__)] + inputs))
    return result.relative_to(ROOT)


def compile_for_musl(source, obj, flags, name, more):
    """One C file of an application; the paths in it begin with @name."""
    place = source.resolve()
    run(["musl-gcc", *flags, f"-ffile-prefix-map={place.parent}={name}", f"-ffile-prefix-map={ROOT}=.",
         *more, "-c", place, "-o", obj], f"compiling {source}")


def musl_libc():
    """Debian's musl-dev puts its libc.a here."""
    for place in ("/usr/lib/x86_64-linux-musl/libc.a", "/usr/lib/musl/lib/libc.a"):
        if os.path.exists(place):
            return Path(place)
    raise Failure("musl's libc.a is missing: make deps installs it")


# --- The image ------------------------------------------------------------------------------------------------------------
def link(build_dir, objects, app_object, image):
    """Links twice: the first image gives the addresses for the symbol table that the second one holds."""
    table_c, table_o = image.with_suffix(".ksyms.c"), image.with_suffix(".ksyms.o")
    compiler = ["gcc", "-std=gnu11", "-O2", "-ffreestanding", "-fno-pie", "-fcf-protection=none",
                "-fno-asynchronous-unwind-tables", "-Iinclude", "-Ikernel/x86/include", "-c", table_c, "-o", table_o]
    first = image.with_suffix(".pass1")
    listing = ""
    for out in (first, image):
        table = run([sys.executable, "tools/mkksyms.py"], "mkksyms.py", input=listing)
        table_c.write_text(f"{table}\nextern const char app_name[];\nconst char app_name[] = {c_string(image.stem)};\n")
        run(compiler, "compiling the symbol table")
        run(["ld", *LDFLAGS, "-o", out, *objects, table_o, app_object], f"linking {out.name}")
        previous, listing = listing, run(["nm", "-n", out], "nm")
    if text_symbols(previous) != text_symbols(listing):
        image.unlink()
        raise Failure("the second link moved functions: linker.ld must place the symbol table behind the text")
    first.unlink()


def c_string(text):
    """@text as a C string literal."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else "".join(f"\\{b:03o}" for b in c.encode()) for c in text) + '"'


def text_symbols(listing):
    return [line for line in listing.splitlines() if len(line.split()) == 3 and line.split()[1] in "tT"]


def build_image(settings):
    """Builds build/<app>.elf; returns its path relative to the root. One build at a time in a tree."""
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build/.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build_locked(settings)


def build_locked(settings):
    build_dir = settings.build_dir
    name = app_name(settings.app)
    app_object = build_app(settings.app, build_dir)
    make("objects", settings)
    objects = [Path(p) for p in (ROOT / build_dir / "objects").read_text().split()]
    image = build_dir / f"{name}.elf"
    stamp = ROOT / build_dir / "app" / name / "link"
    scripts = [Path("linker.ld"), Path("tools/mkksyms.py"), Path(__file__)]
    key = digest(["3", *map(str, objects)] + [ROOT / p for p in [*objects, app_object, *scripts]])
    if not (ROOT / image).exists() or changed(stamp, key):
        print(f"  LD      {image}")
        link(build_dir, objects, app_object, ROOT / image)
        stamp.write_text(key)
    return image


# --- The ISO --------------------------------------------------------------------------------------------------------------
def grub_word(word):
    """One word of the command line, quoted for GRUB's shell."""
    return "'" + word.replace("'", "'\\''") + "'"


def build_iso(image, words, module, out):
    """A CD that GRUB boots on a PC: @words are the kernel command line, @module the file module or None.

    Slim and reproducible: one GRUB core with its commands built in, no module directory, one date everywhere.
    """
    work = ROOT / out.with_suffix(".isodir")
    shutil.rmtree(work, ignore_errors=True)
    (work / "boot").mkdir(parents=True)
    shutil.copyfile(ROOT / image, work / "boot/doorbell.elf")
    lines = ["set root=(cd)", "multiboot /boot/doorbell.elf " + " ".join(map(grub_word, words))]
    if module is not None:
        shutil.copyfile(ROOT / module, work / "boot/file")
        lines.append("module /boot/file file")
    config = out.with_suffix(".grub.cfg")
    (ROOT / config).write_text("\n".join(lines + ["boot", ""]))
    run(["grub-mkimage", "-O", "i386-pc-eltorito", "-d", "/usr/lib/grub/i386-pc", "-p", "/boot", "-c", config,
         "-o", work / "boot/grub.img", "biosdisk", "iso9660", "multiboot", "normal"], "grub-mkimage")
    for path in [*work.rglob("*"), work]:
        os.utime(path, (EPOCH, EPOCH))
        path.chmod(0o755 if path.is_dir() else 0o644)
    env = dict(os.environ, SOURCE_DATE_EPOCH=str(EPOCH))
    (ROOT / out).unlink(missing_ok=True)
    run(["xorriso", "-no_rc", "-report_about", "WARNING", "-as", "mkisofs", "-quiet", "-R", "-V", "DOORBELL", "-uid", "0",
         "-gid", "0", "-b", "boot/grub.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
         "--grub2-boot-info", "--grub2-mbr", "/usr/lib/grub/i386-pc/boot_hybrid.img", "-o", out, work],
        "xorriso", chatty=True, env=env)
    shutil.rmtree(work)
    return out

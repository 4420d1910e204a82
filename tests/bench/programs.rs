//! The programs that are measured: ours, as they were built, and the floors.

use std::{
    env,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    place::Place,
    trouble::{Trouble, While as _},
};

const FLOOR: &str = include_str!("floor.c");

#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) client: PathBuf,
    pub(crate) daemon: PathBuf,
    pub(crate) sandbox: PathBuf,
    /// This one; it is also the floor under the daemon.
    pub(crate) bench: PathBuf,
    /// The C program, linked as C programs are: the floor under the client.
    pub(crate) floor: PathBuf,
    /// The same, linked statically: for information, and only where there is a static C library.
    pub(crate) static_floor: Option<PathBuf>,
}

impl Programs {
    pub(crate) fn find(directory: Option<&Path>, place: &Place) -> Result<Self, Trouble> {
        let bench = env::current_exe().when("find this program")?;
        let directory = directory.or(bench.parent()).unwrap_or(Path::new("."));
        let find = |name: &str| {
            let path = directory.join(name);
            path.canonicalize().when(format!("find {} (`make bench` builds it)", path.display()))
        };
        let client = place.path("airbyte-token");
        fs::copy(find("airbyte-token")?, &client).when("copy airbyte-token")?;
        read_from_disk_again(&client)?;
        Ok(Self {
            client,
            daemon: find("airbyte-tokend")?,
            sandbox: find("airbyte-sandbox")?,
            floor: compile(&place.path("floor"), &[])?,
            static_floor: compile(&place.path("static-floor"), &["-static"]).ok(),
            bench,
        })
    }
}

fn compile(program: &Path, flags: &[&str]) -> Result<PathBuf, Trouble> {
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-s", "-x", "c", "-o"])
        .arg(program)
        .args(flags)
        .arg("-");
    compiler.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = compiler.spawn().when("start cc, the C compiler")?;
    let mut source = running.stdin.take().ok_or_else(|| Trouble::program("cc", "has no standard input"))?;
    source.write_all(FLOOR.as_bytes()).when("hand the source to cc")?;
    drop(source);
    let ended = running.wait_with_output().when("wait for cc")?;
    if ended.status.success() {
        read_from_disk_again(program)?;
        return Ok(program.to_owned());
    }
    Err(Trouble::program("cc", String::from_utf8_lossy(&ended.stderr)))
}

/// Has the kernel forget what it holds of a program, as a reboot does. A program that was just written lies in memory
/// in larger or smaller pieces, depending on how it was written, and starts up to a fifth faster or slower for it.
fn read_from_disk_again(program: &Path) -> Result<(), Trouble> {
    let file = File::open(program).when(format!("open {}", program.display()))?;
    file.sync_all().when(format!("write {} to disk", program.display()))?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).when("have the kernel forget a program")
}

/// Whether a program starts without a dynamic loader: no entry of its program header table asks for an interpreter
/// (elf(5)). None where it is no 64-bit little-endian ELF file.
pub(crate) fn is_static(program: &Path) -> Result<Option<bool>, Trouble> {
    let mut bytes = Vec::new();
    let read = File::open(program).and_then(|mut file| file.read_to_end(&mut bytes));
    read.when(format!("read {}", program.display()))?;
    Ok(wants_no_interpreter(&bytes))
}

const PT_INTERP: u32 = 3;

fn wants_no_interpreter(elf: &[u8]) -> Option<bool> {
    const ELF64_LITTLE_ENDIAN: &[u8] = b"\x7fELF\x02\x01";
    if !elf.starts_with(ELF64_LITTLE_ENDIAN) {
        return None;
    }
    let table = usize::try_from(u64::from_le_bytes(field(elf, 32)?)).ok()?;
    let entry_size = usize::from(u16::from_le_bytes(field(elf, 54)?));
    let entries = usize::from(u16::from_le_bytes(field(elf, 56)?));
    for entry in 0..entries {
        if u32::from_le_bytes(field(elf, table.checked_add(entry * entry_size)?)?) == PT_INTERP {
            return Some(false);
        }
    }
    Some(true)
}

fn field<const SIZE: usize>(bytes: &[u8], at: usize) -> Option<[u8; SIZE]> {
    bytes.get(at..at.checked_add(SIZE)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_compiled_and_linked_like_any_c_program() {
        let place = Place::new().unwrap();
        let floor = compile(&place.path("floor"), &[]).unwrap();
        assert_eq!(is_static(&floor).unwrap(), Some(false));
    }

    #[test]
    fn a_file_cut_short_is_no_program() {
        assert_eq!(wants_no_interpreter(b"\x7fELF\x02\x01\x01"), None);
        assert_eq!(wants_no_interpreter(b"#!/bin/sh\n"), None);
    }

    #[test]
    fn a_program_without_entries_needs_no_loader() {
        let mut elf = vec![0; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert_eq!(wants_no_interpreter(&elf), Some(true));
    }
}

//! What the disk takes: the bytes of instances, written in groups that share a flush, into a file that has its size,
//! and as files of their own. It is the floor that C-STORE and STOW-RS stand on.
//!
//!     cargo bench --bench disk [-- SECONDS]     (in a folder on a real disk: TMPDIR)
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(2);
    let folder = std::env::temp_dir().join(format!("causeway-disk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("folder");
    println!("groups of instances, each group on disk before the next; {seconds} s each");
    println!(
        "{:<10} {:>6} {:>16} {:>16} {:>16}",
        "instance", "group", "one file, MB/s", "one file, inst/s", "files, MB/s"
    );
    for (name, size) in [("20 KB", 20_000_usize), ("526 KB", 526_000)] {
        for group in [1, 4, 8, 32] {
            let time = Duration::from_secs(seconds);
            let together = measure(time, size * group, &mut appended(&folder, size * group));
            let files = measure(time, size * group, &mut separate(&folder, size, group));
            let each = together * 1e6 / size as f64;
            println!("{name:<10} {group:>6} {together:>16.0} {each:>16.0} {files:>16.0}");
        }
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// Megabytes per second of `write`, which writes so many bytes.
fn measure(time: Duration, bytes: usize, write: &mut dyn FnMut()) -> f64 {
    let (started, mut written) = (Instant::now(), 0);
    while started.elapsed() < time {
        write();
        written += bytes;
    }
    written as f64 / 1e6 / started.elapsed().as_secs_f64()
}

/// Groups one behind the other in a file that was written before, and is begun anew at its end.
fn appended(folder: &Path, bytes: usize) -> impl FnMut() {
    let content = noise(bytes);
    let mut file = File::create(folder.join("log")).expect("file");
    let groups = (LOG / bytes).max(1);
    for _ in 0..groups {
        file.write_all(&content).expect("writes");
    }
    file.sync_all().expect("syncs");
    let mut group = 0;
    move || {
        file.seek(SeekFrom::Start((group * bytes) as u64)).expect("seeks");
        file.write_all(&content).expect("writes");
        file.sync_data().expect("syncs");
        group = (group + 1) % groups;
    }
}

/// Each instance in a file of its own: all are written, then each is flushed, then their directory.
fn separate(folder: &Path, size: usize, group: usize) -> impl FnMut() {
    let content = noise(size);
    let folder = folder.join(format!("files-{size}-{group}"));
    std::fs::create_dir_all(&folder).expect("folder");
    let directory = File::open(&folder).expect("folder");
    let mut number = 0_u64;
    move || {
        let mut files = Vec::with_capacity(group);
        for _ in 0..group {
            number += 1;
            let mut file = File::create(folder.join((number % FILES).to_string())).expect("file");
            file.write_all(&content).expect("writes");
            files.push(file);
        }
        for file in &files {
            file.sync_all().expect("syncs");
        }
        directory.sync_all().expect("syncs");
    }
}

/// Bytes that do not become shorter.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Length of the file that groups are written into.
const LOG: usize = 64 << 20;
/// Files of a folder, before the first one is written anew.
const FILES: u64 = 512;

//! How much room is left where a directory is. The standard library does not say it, so `df` is asked (POSIX.1-2017,
//! utilities), now and then.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::sync::Mutex;

/// What was found out, and when.
#[derive(Debug)]
pub(super) struct Space {
    root: PathBuf,
    last: Mutex<Option<(Instant, Option<u64>)>>,
}

impl Space {
    pub(super) fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), last: Mutex::new(None) }
    }

    /// Bytes that are free for this process, a few seconds old at most; `None` if nobody can say.
    pub(super) async fn free(&self) -> Option<u64> {
        let mut last = self.last.lock().await;
        if let Some((when, free)) = *last
            && when.elapsed() < FRESH
        {
            return free;
        }
        let free = self.ask().await;
        *last = Some((Instant::now(), free));
        free
    }

    async fn ask(&self) -> Option<u64> {
        let mut command = Command::new("df");
        command.arg("-P").arg("-k").arg(&self.root).env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
        command.kill_on_drop(true);
        let output = tokio::time::timeout(LONGEST, command.output()).await.ok()?.ok()?;
        read(std::str::from_utf8(&output.stdout).ok().filter(|_| output.status.success())?)
    }
}

/// The fourth field from the left of the second line, which counts kibibytes. The name of the file system may hold spaces, so
/// the line is read from the percentage.
fn read(text: &str) -> Option<u64> {
    let line = text.lines().nth(1)?;
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let percentage = fields.iter().position(|field| field.ends_with('%'))?;
    fields.get(percentage.checked_sub(1)?)?.parse::<u64>().ok()?.checked_mul(1024)
}

const FRESH: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_stands_in_front_of_the_percentage() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 1000 400 600 40% /\n";
        assert_eq!(read(text), Some(600 * 1024));
        let spaced = "Filesystem 1024-blocks Used Available Capacity Mounted on\nmap auto home 0 0 0 100% /a b\n";
        assert_eq!(read(spaced), Some(0));
        assert_eq!(read("df: nonsense"), None);
    }

    #[tokio::test]
    async fn a_directory_has_some_space() {
        let directory = tempfile::tempdir().expect("temp dir");
        assert!(Space::of(directory.path()).free().await.is_some_and(|free| free > 0));
    }
}

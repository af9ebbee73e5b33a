//! How much room is left where a directory is. The standard library does not say it, so `df` is asked (POSIX.1-2017,
//! utilities), now and then.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::Command;

/// What was found out, and when.
#[derive(Debug)]
pub(super) struct Space {
    root: PathBuf,
    last: Mutex<Option<(Instant, Option<u64>)>>,
    /// Held by whoever asks; the others do not wait for an answer that is not the first.
    asking: tokio::sync::Mutex<()>,
}

impl Space {
    pub(super) fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), last: Mutex::new(None), asking: tokio::sync::Mutex::new(()) }
    }

    /// Bytes that are free for this process, a few seconds old at most; `None` if nobody can say.
    pub(super) async fn free(&self) -> Option<u64> {
        let known = self.known();
        if let Some((when, free)) = known
            && when.elapsed() < FRESH
        {
            return free;
        }
        let _asking = match (known, self.asking.try_lock()) {
            (_, Ok(asking)) => asking,
            (Some((_, free)), Err(_asked)) => return free,
            (None, Err(_asked)) => {
                let asking = self.asking.lock().await;
                if let Some((_, free)) = self.known() {
                    return free;
                }
                asking
            }
        };
        let free = self.ask().await;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), free));
        free
    }

    fn known(&self) -> Option<(Instant, Option<u64>)> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
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

//! Where the master key comes from: a file, a variable of the environment, the output of a program, or
//! the file in the data directory that the first start of the embedded mode makes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::disk::read_secret;
use super::{Config, DatabaseUrl, Environment};
use crate::base::keyring::{MasterKey, MasterKeyError, MasterKeys};
use crate::base::{KeyId, SealError, Secret};

/// What to do when the embedded mode has no master key yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Make one: this is a start of the gateway.
    Create,
    /// Fail: whatever there is was sealed by a key that is gone, or there is nothing yet.
    Fail,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyUnavailable {
    /// The file cannot be used.
    #[error("master key file {} {detail}", .path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Why not.
        detail: String,
    },
    /// Users who are neither owner nor in the group of the file have access to it.
    #[error("master key file {} is open to every user of this machine; chmod 600 it", .path.display())]
    Exposed {
        /// Path of the file.
        path: PathBuf,
    },
    /// The variable is not set or is not text.
    #[error("environment variable {name}, which should hold the master key, is not set")]
    Variable {
        /// Name of the variable.
        name: String,
    },
    /// The program did not print a key.
    #[error("master key command {program} {detail}")]
    Command {
        /// Path or name of the program.
        program: String,
        /// Why not.
        detail: String,
    },
    /// There is a text, but no key in it.
    #[error("master key of {place} {error}")]
    Text {
        /// Where the text came from.
        place: String,
        /// What is wrong with it.
        error: MasterKeyError,
    },
    /// A new one could not be written down.
    #[error("master key cannot be written to {}: {kind}", .path.display())]
    Write {
        /// Path of the new file.
        path: PathBuf,
        /// What the system said.
        kind: ErrorKind,
    },
    /// The system has no randomness.
    #[error(transparent)]
    Random(#[from] SealError),
    /// PostgreSQL is shared, a key file in the data directory is not.
    #[error("no place of the master key is set")]
    NotSet,
}

/// Fetches the master keys from where the configuration says.
pub fn load(config: &Config, environment: &Environment, missing: Missing) -> Result<MasterKeys, MasterKeyUnavailable> {
    let keys = &config.keys;
    if let Some(path) = &keys.master_key_file {
        return from_file(path);
    }
    if let Some(name) = &keys.master_key_env {
        let text = environment.get(name).ok_or_else(|| MasterKeyUnavailable::Variable { name: name.clone() })?;
        return parse(&Secret::new(text), format!("environment {name}"));
    }
    if let Some((program, arguments)) = keys.master_key_command.split_first() {
        let text = output_of(program, arguments, COMMAND_TIMEOUT)
            .map_err(|detail| MasterKeyUnavailable::Command { program: program.clone(), detail })?;
        return parse(&text, format!("command {program}"));
    }
    if !matches!(config.database.url, DatabaseUrl::Sqlite(_)) {
        return Err(MasterKeyUnavailable::NotSet);
    }
    let path = embedded_path(config);
    if missing == Missing::Create && !path.exists() {
        create(&path)?;
    }
    from_file(&path)
}

/// Where the embedded mode keeps its master key.
pub fn embedded_path(config: &Config) -> PathBuf {
    config.data_dir.join("keys").join("master.key")
}

fn from_file(path: &Path) -> Result<MasterKeys, MasterKeyUnavailable> {
    let refused = |detail| MasterKeyUnavailable::File { path: path.to_owned(), detail };
    let text = read_secret(path).map_err(refused)?;
    if is_exposed(path) {
        return Err(MasterKeyUnavailable::Exposed { path: path.to_owned() });
    }
    parse(&text, path.display().to_string())
}

fn parse(text: &Secret, place: String) -> Result<MasterKeys, MasterKeyUnavailable> {
    MasterKeys::parse(text.expose()).map_err(|error| MasterKeyUnavailable::Text { place, error })
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_path: &Path) -> bool {
    false
}

/// Makes a new key. The file appears whole or not at all, and one that another process has just made is
/// left as it is.
fn create(path: &Path) -> Result<(), MasterKeyUnavailable> {
    let key = MasterKey::random()?;
    let text = zeroize::Zeroizing::new(format!("{}{}\n", FILE_HEAD, *key.to_hex()));
    write_new(path, text.as_bytes())
        .map_err(|error| MasterKeyUnavailable::Write { path: path.to_owned(), kind: error.kind() })
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    private_directory(directory)?;
    let draft = directory.join(format!(".master.{}", KeyId::random()));
    let written = private_file(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    // A hard link fails where a rename would put the new key in the place of one that is in use.
    let linked = written.and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = std::fs::remove_file(&draft);
    linked.and(removed)?;
    File::open(directory)?.sync_all()?;
    let above = directory.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(above)?.sync_all()
}

fn private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What a program prints, which is given no input. What it says on standard error goes to ours.
fn output_of(program: &str, arguments: &[String], timeout: Duration) -> Result<Secret, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot be started: {}", error.kind()))?;
    let output = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = zeroize::Zeroizing::new(String::new());
        let read = output.map(|output| output.take(OUTPUT_BYTES).read_to_string(&mut text));
        // Nobody listens any more once the time is up.
        let _unheard = sender.send(read.is_some_and(|read| read.is_ok()).then_some(text));
    });
    let output = receiver.recv_timeout(timeout);
    // A program may close its output and go on.
    let ended = output.is_ok() && ends(&mut child, timeout);
    if !ended && child.kill().is_err() {
        return Err("did not end in time and cannot be stopped".into());
    }
    let status = child.wait().map_err(|error| format!("cannot be waited for: {}", error.kind()))?;
    match output {
        _ if !ended => Err(format!("did not end within {} s", timeout.as_secs())),
        Err(_unheard) => Err("printed something that is not text".into()),
        Ok(_) if !status.success() => Err(format!("failed: {status}")),
        Ok(None) => Err("printed something that is not text".into()),
        Ok(Some(text)) => Ok(Secret::new(text.as_str())),
    }
}

fn ends(child: &mut Child, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < deadline => std::thread::park_timeout(Duration::from_millis(10)),
            ended => return matches!(ended, Ok(Some(_))),
        }
    }
}

const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
const OUTPUT_BYTES: u64 = 64 * 1024;
const FILE_HEAD: &str = "# Master key of this gateway. Without it nothing that is stored can be read: keep a copy in\n\
                         # another place. A new key goes on a line above it: see docs/configuration.md.\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{DataKey, KeyPurpose, TenantId};
    use crate::config::Sources;

    fn config(flags: &[&str]) -> Config {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Config::load(&Sources { flags, ..Sources::default() }).expect("valid")
    }

    fn same(left: &MasterKeys, right: &MasterKeys) -> bool {
        let (tenant, id) = (TenantId::default_tenant(), KeyId::random());
        let key = DataKey::random().expect("random");
        let wrapped = left.wrap(&tenant, id, KeyPurpose::Data, &key).expect("wraps");
        right.unwrap(&tenant, id, KeyPurpose::Data, &wrapped).is_ok()
    }

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn the_first_start_makes_a_key_that_only_the_owner_can_read() {
        let dir = tempfile::tempdir().expect("temp dir");
        let config = config(&[&format!("data_dir={}/data", dir.path().display())]);
        let environment = Environment::default();
        assert!(matches!(load(&config, &environment, Missing::Fail), Err(MasterKeyUnavailable::File { .. })));
        assert!(!config.data_dir.exists(), "nothing is made unless asked");
        let made = load(&config, &environment, Missing::Create).expect("made");
        assert!(same(&made, &load(&config, &environment, Missing::Create).expect("read")), "it is made once");
        let path = embedded_path(&config);
        assert_eq!(
            path.parent().and_then(|keys| keys.read_dir().ok()).map(Iterator::count),
            Some(1),
            "no draft is left"
        );
        write_new(&path, b"another").expect("an existing key stays");
        assert!(same(&made, &load(&config, &environment, Missing::Fail).expect("read")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| path.metadata().expect("exists").permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().expect("has one"))), (0o600, 0o700));
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("own file");
            let refused = load(&config, &environment, Missing::Create);
            assert!(matches!(refused, Err(MasterKeyUnavailable::Exposed { .. })));
        }
    }

    #[test]
    fn the_environment_or_a_program_may_give_the_key() {
        let environment: Environment = [("THE_KEY", KEY), ("NO_KEY", "xyzzy")].into_iter().collect();
        let get = |flag: &str| load(&config(&[flag]), &environment, Missing::Create);
        let expected = MasterKeys::parse(KEY).expect("valid");
        assert!(same(&get("keys.master_key_env=THE_KEY").expect("set"), &expected));
        assert!(same(&get(&format!("keys.master_key_command=[\"echo\", \"{KEY}\"]")).expect("prints"), &expected));
        for (flag, message) in [
            ("keys.master_key_env=OTHER", "environment variable OTHER, which should hold the master key, is not set"),
            ("keys.master_key_env=NO_KEY", "line 1 is neither"),
            ("keys.master_key_command=false", "failed: exit status: 1"),
            ("keys.master_key_command=/no/such/program", "cannot be started: entity not found"),
            ("keys.master_key_command=true", "holds no key"),
        ] {
            let error = get(flag).expect_err(flag).to_string();
            assert!(error.contains(message) && !error.contains("xyzzy"), "{error}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_stopped() {
        for script in ["sleep 60", "exec >&-; sleep 60"] {
            let arguments = ["-c".to_owned(), script.to_owned()];
            let error = output_of("sh", &arguments, Duration::from_millis(200)).expect_err("hangs");
            assert_eq!(error, "did not end within 0 s");
        }
    }
}

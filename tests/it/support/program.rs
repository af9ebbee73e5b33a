//! The program itself, as people start it: a process of its own in a folder of its own, with nothing of
//! this process's environment.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use causeway::base::TenantId;
use causeway::base::keyring::MasterKey;
use causeway::store::DatabaseUrl;

use super::samples::eventually;
use super::{Backend, Client, TestDatabase, write_private};

/// An installation: a folder with a configuration and a master key, and an empty database.
pub(crate) struct Program {
    pub(crate) database: TestDatabase,
    starts: AtomicUsize,
}

/// The program while it serves. It is killed when it is dropped.
pub(crate) struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// With the usual settings.
    pub(crate) async fn new(backend: &Backend) -> Self {
        Self::with(backend, "").await
    }

    /// With more lines in the configuration file.
    pub(crate) async fn with(backend: &Backend, more: &str) -> Self {
        let database = TestDatabase::new(backend).await;
        let program = Self { database, starts: AtomicUsize::new(0) };
        write_private(&program.path("master.key"), &MasterKey::random().expect("random").to_hex());
        std::fs::write(program.path("causeway.toml"), format!("{SETTINGS}{more}")).expect("is written");
        program
    }

    /// Something in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.database.folder().join(name)
    }

    /// Where the gateway keeps its files.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let url = match &self.database.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.expose().to_owned(),
        };
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().env("CAUSEWAY__DATABASE__URL", url).current_dir(self.database.folder());
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("starts")
    }

    /// Runs a command that succeeds; gives what it prints.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        printed(arguments, self.run(arguments))
    }

    /// Runs a command that fails; gives what it says on standard error.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    /// A token from the command line.
    pub(crate) fn token(&self, role: &str) -> String {
        self.ok(&["token", "mint", "--user", &format!("{role}-1"), "--role", role]).trim().to_owned()
    }

    /// Starts to serve, and waits until it listens. What it prints goes to the files of [`Self::logs`].
    pub(crate) async fn serve(&self) -> Serving {
        let start = self.starts.fetch_add(1, Ordering::SeqCst);
        let out = self.path(&format!("{start}.out"));
        let file = |path: &Path| Stdio::from(File::create(path).expect("is made"));
        let errors = self.path(&format!("{start}.err"));
        let mut child = self.command(&["serve"]).stdout(file(&out)).stderr(file(&errors)).spawn().expect("starts");
        let address = eventually("it listens", async || {
            if let Some(status) = child.try_wait().expect("can be asked") {
                panic!("ended with {status}: {}", std::fs::read_to_string(&errors).unwrap_or_default());
            }
            let text = std::fs::read_to_string(&out).expect("is read");
            let line = text.lines().find_map(|line| line.strip_prefix("  listening "))?;
            line.trim().parse().ok()
        })
        .await;
        Serving { child, address }
    }

    /// All that the program has printed while it served, both ways.
    pub(crate) fn logs(&self) -> Vec<(String, String)> {
        let names =
            (0..self.starts.load(Ordering::SeqCst)).flat_map(|start| [format!("{start}.out"), format!("{start}.err")]);
        names.map(|name| (name.clone(), std::fs::read_to_string(self.path(&name)).expect("is read"))).collect()
    }
}

impl Serving {
    /// Someone with this token, in the default tenant.
    pub(crate) fn client(&self, token: &str) -> Client {
        self.client_of(&TenantId::default_tenant(), token)
    }

    /// Someone with this token, in a tenant.
    pub(crate) fn client_of(&self, tenant: &TenantId, token: &str) -> Client {
        let is_default = *tenant == TenantId::default_tenant();
        let prefix = if is_default { String::new() } else { format!("/t/{tenant}") };
        Client::new(self.address, prefix, Some(token.to_owned()))
    }

    /// Ends it in the middle of whatever it does, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("runs");
        self.child.wait().expect("ends");
    }

    /// Tells it to stop, which it does with success.
    pub(crate) async fn stop(mut self) {
        // The shell's own: a small system has no program of that name.
        let told =
            Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status().expect("starts");
        assert!(told.success());
        let status = eventually("it stops", async || self.child.try_wait().expect("can be asked")).await;
        assert!(status.success(), "{status}");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // After an orderly end there is nothing to kill.
        let _maybe_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a command printed, which must have succeeded.
#[track_caller]
pub(crate) fn printed(arguments: &[&str], output: Output) -> String {
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_causeway");

const SETTINGS: &str = r#"
data_dir = "data"

[http]
listen = "127.0.0.1:0"
public_url = "http://gateway.test"
workers = 2
shutdown_timeout = "5s"

[dimse]
listen = "127.0.0.1:0"

[keys]
master_key_file = "master.key"

[database]
acquire_timeout = "60s"
busy_timeout = "60s"

[jobs]
lease = "5s"
heartbeat = "1s"
poll = "100ms"
backoff = "100ms"
backoff_limit = "1s"

[limits.address]
requests_per_second = "off"

[limits.user]
requests_per_second = "off"
"#;

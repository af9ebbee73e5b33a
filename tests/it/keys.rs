//! The master key of the embedded mode: made for a database without secrets, and for no other.

use std::sync::Arc;

use causeway::app::{OpenError, Services, Start};
use causeway::base::SystemClock;
use causeway::config::{Config, Sources};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_master_key_is_not_replaced() {
    let folder = tempfile::tempdir().expect("folder");
    let flags = vec![format!("data_dir={}", folder.path().display())];
    let config = Config::load(&Sources { flags, ..Sources::default() }).expect("valid");
    let open = || Services::open_at(&config, Start::Server { demo: false }, Arc::new(SystemClock::default()));
    open().await.expect("opens on an empty disk").close().await;
    let key = folder.path().join("keys/master.key");
    let kept = std::fs::read(&key).expect("was made");
    std::fs::remove_file(&key).expect("is lost");
    let refused = open().await.err().expect("does not open");
    assert!(matches!(refused, OpenError::MasterKey(_)), "{refused}");
    assert!(!key.exists(), "another key would open nothing");
    std::fs::write(&key, kept).expect("is found again");
    restrict(&key);
    open().await.expect("opens with its own key").close().await;
}

#[cfg(unix)]
fn restrict(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("is its owner's");
}

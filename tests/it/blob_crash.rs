//! Blobs and a process that is killed while it writes them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use causeway::base::{Blake3, DataKey, KeyId, KeyPurpose, Keyring, NamedKey, TenantId};
use causeway::blob::BlobStore;
use causeway::config::Environment;

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_the_rest_leaves_nothing() {
    let root = tempfile::tempdir().expect("temp dir");
    let (tenant, key) = owner();
    let mut keys = Keyring::new();
    keys.set_current(tenant.clone(), KeyPurpose::Data, Arc::new(key));
    for round in 0..4_usize {
        let mut writer = Command::new(std::env::current_exe().expect("is known"))
            .args(["--exact", "blob_crash::write_until_killed", "--ignored", "--nocapture"])
            .env(ROOT, root.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let output = BufReader::new(writer.stdout.take().expect("is piped")).lines().map_while(Result::ok);
        let acknowledged: Vec<Blake3> =
            output.filter_map(|line| Blake3::parse(line.strip_prefix(MARK)?)).take(3 + 5 * round).collect();
        writer.kill().expect("is running");
        writer.wait().expect("ends");
        assert_eq!(acknowledged.len(), 3 + 5 * round, "the writer writes");

        let store = BlobStore::directory(root.path()).expect("opens");
        for digest in acknowledged {
            let content = store.read(&tenant, &keys, digest, u64::MAX).await.expect("is there");
            assert_eq!(Blake3::of(&content), digest);
        }
        let staged = files(&root.path().join(".staging"));
        assert!(staged.iter().all(|name| name == "lock"), "{staged:?}");
    }
}

/// Not a test of its own: what the test above starts and kills.
#[tokio::test]
#[ignore = "writes until it is killed"]
async fn write_until_killed() {
    let environment = Environment::of_process();
    let Some(root) = environment.get(ROOT) else { return };
    let store = BlobStore::directory(Path::new(root)).expect("opens");
    let (tenant, key) = owner();
    for turn in 0_u32.. {
        let content = [turn.to_be_bytes(), std::process::id().to_be_bytes()].concat().repeat(1 + turn as usize * 9973);
        let put = store.put_bytes(&tenant, &key, content.into()).await.expect("puts");
        println!("\n{MARK}{}", put.digest);
    }
}

fn owner() -> (TenantId, NamedKey) {
    let id = KeyId::from_bytes([1; 16]);
    (TenantId::default_tenant(), NamedKey { id, key: DataKey::new([2; 32]).expect("32 bytes") })
}

fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("exists") {
        let entry = entry.expect("readable");
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

const ROOT: &str = "TEST_BLOB_ROOT";
const MARK: &str = "acknowledged ";

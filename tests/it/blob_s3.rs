//! Blobs in a bucket, over the network. It runs where `TEST_S3_ENDPOINT` names a service that speaks S3
//! and has a bucket `causeway-test`; user and password are `test` and `test-secret` unless
//! `TEST_S3_ACCESS_KEY_ID` and `TEST_S3_SECRET_ACCESS_KEY` say otherwise. For instance:
//!
//! ```text
//! pip install 'moto[server]' && moto_server -p 5555 &
//! curl -X PUT http://127.0.0.1:5555/causeway-test
//! TEST_S3_ENDPOINT=http://127.0.0.1:5555 cargo test --test it blob_s3
//! ```

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use causeway::base::{Blake3, DataKey, KeyId, KeyPurpose, Keyring, NamedKey, TenantId};
use causeway::blob::{BlobError, BlobStore};
use causeway::config::{Config, Environment, Sources};
use futures_util::TryStreamExt;

#[tokio::test]
async fn a_bucket_keeps_what_is_put() {
    let environment = Environment::of_process();
    let Some(endpoint) = environment.get("TEST_S3_ENDPOINT") else { return };
    let spool = tempfile::tempdir().expect("temp dir");
    // A prefix of its own, so that runs do not see each other.
    let store = open(endpoint, &format!("run-{}", KeyId::random()), &environment, spool.path());
    store.probe().await.expect("the service answers and has the bucket");

    let tenant = TenantId::parse("ward").expect("valid");
    let key = Arc::new(NamedKey { id: KeyId::random(), key: DataKey::random().expect("random") });
    let mut keys = Keyring::new();
    keys.set_current(tenant.clone(), KeyPurpose::Data, Arc::clone(&key));

    let mut digests = Vec::new();
    // Nothing, one request, more than the first read fetches, parts.
    for length in [0, 1000, 1_000_000, 20_000_000] {
        let content: Vec<u8> = (0..length).map(|at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let put = store.put_bytes(&tenant, &key, content.clone().into()).await.expect("puts");
        assert_eq!(put.digest, Blake3::of(&content));
        let read = store.read(&tenant, &keys, put.digest, u64::MAX).await.expect("gets");
        assert!(read == content, "{length}");
        assert_eq!(store.head(&tenant, put.digest).await.expect("is there").size, put.size);
        if length > 0 {
            let (start, end) = (content.len() / 2, content.len() - 1);
            let range = store.get_range(&tenant, &keys, put.digest, start as u64..end as u64).await.expect("gets");
            let read: Vec<Bytes> = range.body.try_collect().await.expect("reads");
            assert!(read.concat() == content[start..end], "{length}");
        }
        digests.push(put.digest);
    }
    let mut listed: Vec<Blake3> = store.list(&tenant).map_ok(|entry| entry.digest).try_collect().await.expect("lists");
    listed.sort_unstable();
    digests.sort_unstable();
    assert_eq!(listed, digests);
    assert_eq!(store.tenants().await.expect("lists"), std::slice::from_ref(&tenant));

    for digest in digests {
        let stored_at = store.head(&tenant, digest).await.expect("is there").stored_at;
        let younger = store.delete_if_older(&tenant, digest, stored_at.plus_seconds(-1)).await;
        assert!(!younger.expect("answers"));
        assert!(store.delete(&tenant, digest).await.expect("answers"));
        assert!(!store.delete(&tenant, digest).await.expect("answers"));
        assert!(matches!(store.get(&tenant, &keys, digest).await, Err(BlobError::NotFound(_))));
    }

    let missing = open(endpoint, "x", &environment, spool.path());
    assert!(missing.probe().await.is_ok(), "an empty prefix is no fault");
}

fn open(endpoint: &str, prefix: &str, environment: &Environment, spool: &Path) -> BlobStore {
    let secret = environment.get("TEST_S3_SECRET_ACCESS_KEY").unwrap_or("test-secret");
    let sources = Sources {
        environment: [("CAUSEWAY__BLOB__S3__SECRET_ACCESS_KEY", secret)].into_iter().collect(),
        flags: vec![
            format!("blob.url=s3://causeway-test/{prefix}"),
            format!("blob.s3.endpoint={endpoint}"),
            "blob.s3.allow_http=true".to_owned(),
            format!("blob.s3.access_key_id={}", environment.get("TEST_S3_ACCESS_KEY_ID").unwrap_or("test")),
        ],
        ..Sources::default()
    };
    let config = Config::load(&sources).expect("valid");
    BlobStore::open(&config.blob, spool).expect("opens")
}

use std::path::PathBuf;

use futures_util::future::join_all;
use object_store::path::Path as ObjectPath;
use proptest::prelude::*;
use tempfile::TempDir;

use super::format::{CHUNK, HEADER_BYTES, Layout, SEALED_CHUNK, TRAILER_BYTES};
use super::*;
use crate::base::{DataKey, KeyId, KeyPurpose};

/// A store with one tenant and its key.
struct Place {
    store: BlobStore,
    keys: Keyring,
    key: Arc<NamedKey>,
    tenant: TenantId,
    dir: TempDir,
}

impl Place {
    fn with(open: impl FnOnce(&Path) -> BlobStore) -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let (tenant, key) = (TenantId::default_tenant(), new_key());
        let mut keys = Keyring::new();
        keys.set_current(tenant.clone(), KeyPurpose::Data, Arc::clone(&key));
        Self { store: open(dir.path()), keys, key, tenant, dir }
    }

    fn directory() -> Self {
        Self::with(|path| BlobStore::directory(path).expect("opens"))
    }

    fn memory() -> Self {
        Self::with(|_| BlobStore::in_memory())
    }

    fn spooled() -> Self {
        Self::with(|path| BlobStore { backend: Arc::new(Backend::Bucket(Bucket::in_memory_with_spool(path))) })
    }

    fn all() -> [Self; 3] {
        [Self::directory(), Self::memory(), Self::spooled()]
    }

    async fn put(&self, content: &[u8]) -> Blake3 {
        let content = Bytes::copy_from_slice(content);
        self.store.put_bytes(&self.tenant, &self.key, content).await.expect("puts").digest
    }

    async fn get(&self, digest: Blake3) -> Result<Vec<u8>, BlobError> {
        self.store.read(&self.tenant, &self.keys, digest, u64::MAX).await.map(Into::into)
    }

    async fn range(&self, digest: Blake3, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
        let blob = self.store.get_range(&self.tenant, &self.keys, digest, range).await?;
        Ok(blob.body.try_collect::<Vec<Bytes>>().await?.concat())
    }

    fn object(&self, digest: Blake3) -> ObjectPath {
        self.object_of(&self.tenant, digest)
    }

    fn object_of(&self, tenant: &TenantId, digest: Blake3) -> ObjectPath {
        match &*self.store.backend {
            Backend::Directory(_) => directory::name(tenant, digest).into(),
            Backend::Bucket(_) => path(tenant, digest).into(),
        }
    }

    fn raw_store(&self) -> Arc<dyn ObjectStore> {
        match &*self.store.backend {
            Backend::Directory(directory) => directory.reader(),
            Backend::Bucket(bucket) => Arc::clone(&bucket.store),
        }
    }

    async fn raw(&self, digest: Blake3) -> Vec<u8> {
        let got = self.raw_store().get(&self.object(digest)).await.expect("is there");
        got.bytes().await.expect("reads").to_vec()
    }

    async fn set_raw(&self, digest: Blake3, bytes: Vec<u8>) {
        self.raw_store().put(&self.object(digest), bytes.into()).await.expect("writes");
    }

    /// Files of objects being written.
    fn staged(&self) -> Vec<PathBuf> {
        let places = std::fs::read_dir(self.dir.path().join(".staging")).expect("exists");
        let places = places.map(|place| place.expect("readable").path()).filter(|path| path.is_dir());
        let files = places.flat_map(|place| std::fs::read_dir(place).expect("exists"));
        files.map(|file| file.expect("readable").path()).filter(|path| !path.ends_with("lock")).collect()
    }
}

fn new_key() -> Arc<NamedKey> {
    Arc::new(NamedKey { id: KeyId::random(), key: DataKey::random().expect("random") })
}

/// Bytes that differ from place to place.
fn content(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn is_damaged<T>(outcome: &Result<T, BlobError>) -> bool {
    matches!(outcome, Err(BlobError::Damaged(_)))
}

#[tokio::test]
async fn what_is_put_comes_back() {
    for place in Place::all() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5, 5 * CHUNK, 40 * CHUNK + 1] {
            let bytes = content(length);
            let pieces = bytes.chunks(10_007).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)));
            let put = place.store.put(&place.tenant, &place.key, stream::iter(pieces)).await.expect("puts");
            assert_eq!(put, BlobRef { digest: Blake3::of(&bytes), size: length as u64 });
            assert!(place.get(put.digest).await.expect("gets") == bytes, "{length}");
            let entry = place.store.head(&place.tenant, put.digest).await.expect("is there");
            assert_eq!((entry.digest, entry.size), (put.digest, put.size));
            let raw = place.raw(put.digest).await;
            assert_eq!(raw.len() as u64, Layout::of_content(put.size).trailer().end);
        }
        place.store.probe().await.expect("is ready");
    }
}

#[tokio::test]
async fn a_large_object_is_uploaded_in_parts() {
    let place = Place::spooled();
    let bytes = content(20 * 1024 * 1024 + 3);
    let digest = place.put(&bytes).await;
    assert!(place.get(digest).await.expect("gets") == bytes);
    assert!(place.staged().is_empty());
}

#[tokio::test]
async fn nothing_lies_in_clear() {
    for place in Place::all() {
        let marker = b"Mustermann^Erika";
        let bytes = marker.repeat(10_000);
        let digest = place.put(&bytes).await;
        let raw = place.raw(digest).await;
        assert!(!raw.windows(marker.len()).any(|window| window == marker));
        place.put(&bytes).await;
        assert!(place.raw(digest).await != raw, "the same content is never sealed in the same way");
        assert!(place.get(digest).await.expect("gets") == bytes);
    }
}

#[tokio::test]
async fn every_way_of_cutting_an_object_is_seen() {
    for place in [Place::directory(), Place::memory()] {
        for length in [0, 5, CHUNK, 2 * CHUNK, 5 * CHUNK + 7] {
            let digest = place.put(&content(length)).await;
            let raw = place.raw(digest).await;
            let chunks = (0..6).map(|chunk| HEADER_BYTES + chunk * SEALED_CHUNK);
            let near = chunks.flat_map(|at| [at, at + 16, at + 56, at + TRAILER_BYTES + 16, at + 1000]);
            for cut in near.chain([0, 1, raw.len() - TRAILER_BYTES, raw.len() - 1]).filter(|cut| *cut < raw.len()) {
                place.set_raw(digest, raw[..cut].to_vec()).await;
                assert!(is_damaged(&place.get(digest).await), "{length} cut at {cut}");
                assert!(is_damaged(&place.range(digest, 0..1).await), "{length} cut at {cut}, first byte");
            }
            let mut longer = raw.clone();
            longer.push(0);
            place.set_raw(digest, longer).await;
            assert!(is_damaged(&place.get(digest).await), "{length} with one byte more");
            // A whole chunk taken out, so that the trailer is at the end all the same.
            if length > 2 * CHUNK {
                let without: Vec<u8> = [&raw[..HEADER_BYTES], &raw[HEADER_BYTES + SEALED_CHUNK..]].concat();
                place.set_raw(digest, without).await;
                assert!(is_damaged(&place.get(digest).await));
            }
        }
    }
}

#[tokio::test]
async fn chunks_do_not_change_places() {
    let place = Place::directory();
    let bytes = content(6 * CHUNK);
    let digest = place.put(&bytes).await;
    let raw = place.raw(digest).await;
    let chunk = |index: usize| HEADER_BYTES + index * SEALED_CHUNK..HEADER_BYTES + (index + 1) * SEALED_CHUNK;
    for (one, other) in [(0, 1), (2, 4), (4, 5)] {
        let mut mixed = raw.clone();
        mixed[chunk(one)].copy_from_slice(&raw[chunk(other)]);
        mixed[chunk(other)].copy_from_slice(&raw[chunk(one)]);
        place.set_raw(digest, mixed).await;
        assert!(is_damaged(&place.get(digest).await), "{one} and {other}");
        let start = (one * CHUNK) as u64;
        assert!(is_damaged(&place.range(digest, start..start + 1).await), "{one} and {other}");
    }
    // Nor does a chunk of the same content, place and key come over from another object.
    let again = {
        place.put(&bytes).await;
        place.raw(digest).await
    };
    let mut mixed = raw.clone();
    mixed[chunk(2)].copy_from_slice(&again[chunk(2)]);
    place.set_raw(digest, mixed).await;
    assert!(is_damaged(&place.get(digest).await));
}

#[tokio::test]
async fn an_object_under_another_name_or_of_another_tenant_is_not_handed_out() {
    for mut place in [Place::directory(), Place::memory()] {
        for length in [100, 8 * CHUNK] {
            let (mine, other) = (place.put(&content(length)).await, place.put(&vec![7; length]).await);
            place.set_raw(mine, place.raw(other).await).await;
            let opened = place.store.get(&place.tenant, &place.keys, mine).await;
            assert!(is_damaged(&opened), "before the first byte");
            assert!(is_damaged(&place.range(mine, 0..1).await));

            let stranger = TenantId::parse("stranger").expect("valid");
            assert!(matches!(
                place.store.get(&stranger, &place.keys, other).await,
                Err(BlobError::NotFound(digest)) if digest == other
            ));
            let moved = place.object_of(&stranger, other);
            place.raw_store().put(&moved, place.raw(other).await.into()).await.expect("writes");
            assert!(matches!(
                place.store.get(&stranger, &place.keys, other).await,
                Err(BlobError::UnknownKey { key, .. }) if key == place.key.id
            ));
            // Even with the key in its hands.
            place.keys.set_current(stranger.clone(), KeyPurpose::Data, Arc::clone(&place.key));
            assert!(is_damaged(&place.store.get(&stranger, &place.keys, other).await));
            place.keys.forget(&stranger);
        }
    }
}

#[tokio::test]
async fn an_old_key_opens_and_a_new_one_seals() {
    for mut place in Place::all() {
        let bytes = content(300_000);
        let digest = place.put(&bytes).await;
        let old = Arc::clone(&place.key);
        place.key = new_key();
        place.keys.set_current(place.tenant.clone(), KeyPurpose::Data, Arc::clone(&place.key));
        assert!(place.get(digest).await.expect("gets") == bytes);
        let reseal = || place.store.reseal(&place.tenant, &place.keys, &place.key, digest);
        assert!(reseal().await.expect("reseals"));
        assert!(!reseal().await.expect("is done"));
        let mut only_new = Keyring::new();
        only_new.set_current(place.tenant.clone(), KeyPurpose::Data, Arc::clone(&place.key));
        let read = place.store.read(&place.tenant, &only_new, digest, u64::MAX).await;
        assert!(read.expect("gets") == bytes);

        let mut broken = place.raw(digest).await;
        broken[HEADER_BYTES] ^= 1;
        place.set_raw(digest, broken.clone()).await;
        let back = place.store.reseal(&place.tenant, &place.keys, &old, digest).await;
        assert!(is_damaged(&back.map(|_| ())));
        assert!(place.raw(digest).await == broken, "what cannot be read is left as it is");
        let older = place.store.get(&place.tenant, &Keyring::new(), digest).await;
        assert!(matches!(older, Err(BlobError::UnknownKey { .. })));
    }
}

#[tokio::test]
async fn another_form_is_told_from_damage() {
    let place = Place::memory();
    let digest = place.put(b"content").await;
    let mut raw = place.raw(digest).await;
    raw[8] = 2;
    place.set_raw(digest, raw.clone()).await;
    assert!(matches!(place.get(digest).await, Err(BlobError::UnknownForm(_))));
    raw[0] = b'x';
    place.set_raw(digest, raw).await;
    assert!(is_damaged(&place.get(digest).await));
}

#[tokio::test]
async fn a_put_that_breaks_off_leaves_nothing() {
    for place in [Place::directory(), Place::spooled()] {
        let broken = stream::iter((0..400).map(|piece| match piece {
            399 => Err(std::io::Error::other("peer went away")),
            _ => Ok(Bytes::from(vec![1; 50_000])),
        }));
        let outcome = place.store.put(&place.tenant, &place.key, broken).await;
        assert!(matches!(outcome, Err(BlobError::Input(_))));
        assert!(place.staged().is_empty());

        let endless = stream::iter((0..400).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![1; 50_000]))));
        let endless = endless.chain(stream::pending());
        let waiting = place.store.put(&place.tenant, &place.key, endless);
        let outcome = tokio::time::timeout(std::time::Duration::from_secs(2), waiting).await;
        assert!(outcome.is_err(), "it waits for more");
        assert!(place.staged().is_empty(), "a dropped put takes its file with it");
        assert_eq!(place.store.tenants().await.expect("lists"), []);
    }
}

#[tokio::test]
async fn what_nobody_names_is_listed_and_removed() {
    for place in Place::all() {
        let listed = async || {
            let mut digests: Vec<_> =
                place.store.list(&place.tenant).map_ok(|entry| entry.digest).try_collect().await.expect("lists");
            digests.sort_unstable();
            digests
        };
        assert_eq!(listed().await, []);
        let mut digests = Vec::new();
        for length in 0..20 {
            digests.push(place.put(&content(length)).await);
        }
        digests.sort_unstable();
        assert_eq!(listed().await, digests);
        assert_eq!(place.store.tenants().await.expect("lists"), std::slice::from_ref(&place.tenant));
        let stranger: ObjectPath = format!("{}/readme.txt", place.tenant).into();
        place.raw_store().put(&stranger, Bytes::from_static(b"not ours").into()).await.expect("writes");
        assert_eq!(listed().await, digests, "what is not ours is passed over");

        let entry = place.store.head(&place.tenant, digests[0]).await.expect("is there");
        let remove =
            async |limit| place.store.delete_if_older(&place.tenant, digests[0], limit).await.expect("answers");
        assert!(!remove(entry.stored_at.plus_seconds(-1)).await, "it is younger than that");
        assert!(remove(entry.stored_at).await);
        assert!(!remove(entry.stored_at).await, "it is gone");
        assert!(place.store.delete(&place.tenant, digests[1]).await.expect("answers"));
        assert!(!place.store.delete(&place.tenant, digests[1]).await.expect("answers"));
        assert_eq!(listed().await, digests[2..]);
        assert!(matches!(place.get(digests[0]).await, Err(BlobError::NotFound(_))));
        assert!(matches!(place.store.head(&place.tenant, digests[0]).await, Err(BlobError::NotFound(_))));
    }
}

#[tokio::test]
async fn a_range_must_begin_inside() {
    let place = Place::memory();
    let digest = place.put(&content(10)).await;
    assert_eq!(place.range(digest, 8..99).await.expect("is cut at the end"), content(10)[8..]);
    assert_eq!(place.range(digest, 3..3).await.expect("is empty"), b"");
    for (start, end) in [(10, 11), (99, 100), (5, 4)] {
        assert!(matches!(place.range(digest, start..end).await, Err(BlobError::Range { size: 10, .. })));
    }
    let large = place.store.read(&place.tenant, &place.keys, digest, 9).await;
    assert!(matches!(large, Err(BlobError::TooLarge { size: 10, limit: 9, .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_put_read_and_remove_the_same_blob() {
    let place = Place::directory();
    let bytes = content(3 * CHUNK);
    let digest = Blake3::of(&bytes);
    place.put(&bytes).await;
    join_all((0..24).map(async |turn: usize| match turn % 3 {
        0 => drop(place.put(&bytes).await),
        1 => match place.get(digest).await {
            Ok(read) => assert!(read == bytes),
            Err(error) => assert!(matches!(error, BlobError::NotFound(_)), "{error:?}"),
        },
        _ => drop(place.store.delete(&place.tenant, digest).await.expect("answers")),
    }))
    .await;
    place.put(&bytes).await;
    assert!(place.get(digest).await.expect("gets") == bytes);
    assert!(place.staged().is_empty());
}

#[tokio::test]
async fn a_directory_that_was_removed_is_made_again() {
    let place = Place::directory();
    let digest = place.put(b"content").await;
    std::fs::remove_dir_all(place.dir.path().join(place.tenant.as_str())).expect("removes");
    assert_eq!(place.put(b"content").await, digest);
    assert_eq!(place.get(digest).await.expect("gets"), b"content");
}

#[tokio::test]
async fn what_a_former_version_has_put_is_found_listed_and_removed() {
    let place = Place::directory();
    let digest = place.put(b"content").await;
    let (now, before) = (
        place.dir.path().join(directory::name(&place.tenant, digest)),
        place.dir.path().join(path(&place.tenant, digest)),
    );
    std::fs::create_dir_all(before.parent().expect("is below")).expect("makes");
    std::fs::rename(&now, &before).expect("moves");
    assert_eq!(place.get(digest).await.expect("gets"), b"content");
    assert_eq!(place.store.head(&place.tenant, digest).await.expect("is there").size, 7);
    assert_eq!(place.store.list(&place.tenant).try_collect::<Vec<_>>().await.expect("lists").len(), 1);
    place.put(b"content").await;
    assert!(now.exists() && before.exists());
    assert!(!place.store.delete_if_older(&place.tenant, digest, Timestamp(0)).await.expect("looks"), "it is young");
    assert!(place.store.delete(&place.tenant, digest).await.expect("removes"));
    assert!(!now.exists() && !before.exists());
    assert!(!place.store.delete(&place.tenant, digest).await.expect("is gone"));
}

#[tokio::test]
async fn what_comes_again_takes_the_place_of_what_is_there() {
    let place = Place::directory();
    let digest = place.put(b"content").await;
    let first = place.raw(digest).await;
    assert_eq!(place.put(b"content").await, digest);
    assert_ne!(place.raw(digest).await, first, "under a key of its own");
    assert_eq!(place.get(digest).await.expect("gets"), b"content");
    assert!(place.staged().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::directory();
    let digest = place.put(b"content").await;
    let mut path = place.dir.path().join(directory::name(&place.tenant, digest));
    let mode = |path: &Path| path.metadata().expect("exists").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    for _ in 0..2 {
        path.pop();
        assert_eq!(mode(&path), 0o700);
    }
}

#[test]
fn settings_open_the_store_that_they_name() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut settings = config::Blob { url: BlobUrl::Directory(dir.path().join("blobs")), ..config::Blob::default() };
    BlobStore::open(&settings, dir.path()).expect("opens");
    assert!(dir.path().join("blobs").is_dir());
    settings.url = BlobUrl::S3 { bucket: "bucket".into(), prefix: "a/b".into() };
    let store = BlobStore::open(&settings, dir.path()).expect("opens");
    let Backend::Bucket(bucket) = &*store.backend else { panic!("is a bucket") };
    let path = bucket.path(&TenantId::default_tenant(), Blake3::of(b""));
    assert!(path.as_ref().starts_with("a/b/default/af/13/af1349b9"), "{path}");
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_worth_another_try() {
    let dir = tempfile::tempdir().expect("temp dir");
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("binds").port();
    let sources = config::Sources {
        environment: [("CAUSEWAY__BLOB__S3__SECRET_ACCESS_KEY", "secret")].into_iter().collect(),
        flags: vec![
            "blob.url=s3://bucket".to_owned(),
            format!("blob.s3.endpoint=http://127.0.0.1:{port}"),
            "blob.s3.allow_http=true".to_owned(),
            "blob.s3.access_key_id=id".to_owned(),
        ],
        ..config::Sources::default()
    };
    let settings = config::Config::load(&sources).expect("valid").blob;
    let store = BlobStore::open(&settings, dir.path()).expect("opens");
    let (tenant, key) = (TenantId::default_tenant(), new_key());
    let error = store.put_bytes(&tenant, &key, Bytes::from_static(b"x")).await.expect_err("nobody answers");
    assert_eq!(error.retry(), crate::base::Retry::Backoff);
    assert_eq!(error.to_string(), "blob store unavailable", "no host name in it");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("runtime")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_range_is_the_same_part_of_the_content(
        length in 1..6 * CHUNK,
        ranges in prop::collection::vec((0..7 * CHUNK, 0..3 * CHUNK), 1..6),
    ) {
        runtime().block_on(async {
            let bytes = content(length);
            for place in [Place::directory(), Place::memory()] {
                let digest = place.put(&bytes).await;
                for (start, wanted) in &ranges {
                    let start = start % length;
                    let end = (start + wanted).min(length);
                    let read = place.range(digest, start as u64..(start + wanted) as u64).await.expect("reads");
                    assert!(read == bytes[start..end], "{start}..{end} of {length}");
                }
            }
        });
    }

    #[test]
    fn a_changed_bit_is_never_read(length in 0..6 * CHUNK, at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        runtime().block_on(async {
            let place = Place::memory();
            let bytes = content(length);
            let digest = place.put(&bytes).await;
            let mut raw = place.raw(digest).await;
            let at = at.index(raw.len());
            raw[at] ^= 1 << bit;
            place.set_raw(digest, raw).await;
            let whole = place.get(digest).await;
            let refused = matches!(
                whole,
                Err(BlobError::Damaged(_) | BlobError::UnknownKey { .. } | BlobError::UnknownForm(_))
            );
            assert!(refused, "{whole:?}");
            if length > 0 {
                // A part that does not hold the bit may be read, and is right then.
                match place.range(digest, 0..1).await {
                    Ok(first) => assert_eq!(first, bytes[..1]),
                    Err(error) => assert!(!matches!(error, BlobError::Range { .. }), "{error:?}"),
                }
            }
        });
    }

    #[test]
    fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        runtime().block_on(async {
            let place = Place::memory();
            let digest = Blake3::of(b"x");
            let raw = if magic { [b"causeway\x01\x01\x10\x00".to_vec(), raw].concat() } else { raw };
            place.set_raw(digest, raw).await;
            assert!(place.get(digest).await.is_err());
            assert!(place.range(digest, 0..1).await.is_err());
        });
    }
}

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("writes");
    encoder.finish().expect("writes")
}

fn chunks(folder: &Path, at_once: usize) -> Vec<Vec<Chunk>> {
    let (found, _) = inputs(&[folder.to_owned()]).expect("lists");
    let mut waves = Vec::new();
    read(&found, at_once, |wave| {
        waves.push(wave);
        true
    })
    .expect("reads");
    waves
}

fn lines(count: usize) -> String {
    let line = |id| format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\"}}\n");
    (0..count).map(line).collect::<Vec<String>>().concat()
}

#[test]
fn a_folder_is_read_by_names_and_the_rest_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("more")).expect("is made");
    for name in ["b.json", "a.ndjson.gz", "more/c.JSON", "more/d.jsonl", "readme.txt", "json"] {
        std::fs::write(folder.path().join(name), "{}").expect("is written");
    }
    let (found, others) = inputs(&[folder.path().to_owned()]).expect("lists");
    let names: Vec<&str> = found.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["a.ndjson.gz", "b.json", "more/c.JSON", "more/d.jsonl"]);
    assert_eq!(others.len(), 2);
    assert!(inputs(&[folder.path().join("readme.txt")]).is_err());
    assert!(inputs(&[folder.path().join("nothing.json")]).is_err());
    let twice = [folder.path().join("b.json"), folder.path().join("b.json")];
    let (found, _) = inputs(&twice).expect("lists");
    assert_ne!(found[0].name, found[1].name);
}

#[test]
fn lines_come_in_chunks_whether_they_are_packed_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = lines(450).replace('\n', "\r\n\n");
    std::fs::write(folder.path().join("a.ndjson"), &text).expect("is written");
    let plain = chunks(folder.path(), 8);
    std::fs::write(folder.path().join("a.ndjson"), packed(&text)).expect("is written");
    let unpacked = chunks(folder.path(), 8);
    let shape = |waves: &[Vec<Chunk>]| -> Vec<(u64, u64, usize, Blake3)> {
        let shape = |chunk: &Chunk| (chunk.first, chunk.last, chunk.units.len(), chunk.digest);
        waves.iter().flatten().map(shape).collect()
    };
    assert_eq!(shape(&plain), shape(&unpacked));
    let ends: Vec<(u64, u64)> = plain.iter().flatten().map(|chunk| (chunk.first, chunk.last)).collect();
    assert_eq!(ends, [(1, 200), (201, 400), (401, 600), (601, 800), (801, 900)]);
    assert!(plain.iter().flatten().all(|chunk| chunk.units.len() <= 100), "blank lines are none");
    assert_eq!(plain[0][0].units[1].0, 3, "a unit has the number of its line");
}

#[test]
fn the_same_resource_is_not_taken_twice_at_the_same_time() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.ndjson", "b.ndjson", "c.ndjson"] {
        std::fs::write(folder.path().join(name), lines(3)).expect("is written");
    }
    assert_eq!(chunks(folder.path(), 8).iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    std::fs::write(folder.path().join("b.ndjson"), "{\"resourceType\":\"Patient\",\"id\":\"other\"}")
        .expect("is written");
    assert_eq!(chunks(folder.path(), 8).iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(chunks(folder.path(), 1).len(), 3);
}

#[test]
fn what_is_no_json_is_a_fault_of_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.ndjson"), "{\"resourceType\":\"Patient\"}\n{\n\u{0}\n{}").expect("is written");
    let waves = chunks(folder.path(), 8);
    let good: Vec<bool> = waves[0][0].units.iter().map(|(_, unit)| unit.is_ok()).collect();
    assert_eq!(good, [true, false, false, true]);
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = packed(&lines(1000));
    std::fs::write(folder.path().join("a.ndjson.gz"), &bytes[..bytes.len() / 2]).expect("is written");
    let (found, _) = inputs(&[folder.path().to_owned()]).expect("lists");
    let (name, _) = read(&found, 1, |_| true).expect_err("is cut off");
    assert_eq!(name, "a.ndjson.gz");
}

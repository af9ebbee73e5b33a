use crate::report::fhir::testing::Case;
use crate::report::fhir::{Ids, content_bundle, transaction_bundle};
use crate::report::sample::sample;

#[test]
#[ignore = "dump"]
fn dump() {
    let dir = std::path::Path::new("/tmp/fhir-dump");
    std::fs::create_dir_all(dir).expect("dir");
    for index in 0..40 {
        let case = Case::of(sample(7, index));
        let ids = Ids::derived(&case.report, &case.letterhead);
        let bundle = content_bundle(&case.rendering(), &ids, &case.attachments()).expect("writes");
        std::fs::write(dir.join(format!("c{index}.json")), bundle.to_pretty()).expect("writes");
        let bundle = transaction_bundle(&case.rendering(), &ids, &case.attachments()).expect("writes");
        std::fs::write(dir.join(format!("t{index}.json")), bundle.to_pretty()).expect("writes");
    }
}

//! Where two reports differ: for `causeway verify`, and for tests that follow a report through a twin and
//! back.

use crate::fhir::Json;

use super::Report;

/// The paths at which two reports differ, `measurements[3].value`, in document order. Values are not in
/// them: they may be patient data.
pub fn differences(a: &Report, b: &Report) -> Vec<String> {
    let mut paths = Vec::new();
    if a != b {
        compare(&a.to_json(), &b.to_json(), String::new(), &mut paths);
    }
    paths
}

fn compare(a: &Json, b: &Json, path: String, paths: &mut Vec<String>) {
    match (a, b) {
        (Json::Object(left), Json::Object(right)) => {
            for (name, value) in left.iter() {
                let path = member(&path, name);
                match right.get(name) {
                    Some(other) => compare(value, other, path, paths),
                    None => paths.push(path),
                }
            }
            let added = right.iter().filter(|(name, _)| left.get(name).is_none());
            paths.extend(added.map(|(name, _)| member(&path, name)));
        }
        (Json::Array(left), Json::Array(right)) => {
            for (index, (value, other)) in left.iter().zip(right).enumerate() {
                compare(value, other, format!("{path}[{index}]"), paths);
            }
            let (short, long) = (left.len().min(right.len()), left.len().max(right.len()));
            paths.extend((short..long).map(|index| format!("{path}[{index}]")));
        }
        _ if a == b => {}
        _ => paths.push(path),
    }
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Decimal;
    use crate::report::sample::sample;

    #[test]
    fn each_difference_is_named_once() {
        let report =
            (0..100).map(|index| sample(3, index)).find(|report| report.measurements.len() > 2).expect("a sample");
        assert_eq!(differences(&report, &report.clone()), Vec::<String>::new());
        let mut other = report.clone();
        other.measurements[1].value = Decimal::parse("0.10").expect("a decimal");
        other.measurements.truncate(2);
        other.patient.birth_date = None;
        other.language = Some("tlh".to_owned());
        let mut expected = vec!["patient.birthDate".to_owned(), "measurements[1].value".to_owned()];
        expected.extend((2..report.measurements.len()).map(|index| format!("measurements[{index}]")));
        expected.push("language".to_owned());
        let mut found = differences(&report, &other);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn trailing_zeros_are_a_difference() {
        let report =
            (0..100).map(|index| sample(3, index)).find(|report| !report.measurements.is_empty()).expect("one");
        let mut other = report.clone();
        let value = format!("{}0", other.measurements[0].value);
        let value = if value.contains('.') { value } else { format!("{value}.0") };
        other.measurements[0].value = Decimal::parse(&value).expect("a decimal");
        assert_eq!(differences(&report, &other), ["measurements[0].value"]);
    }
}

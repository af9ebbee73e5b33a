//! Dates and times of day out of FHIR.

use crate::base::{Date, TimeOfDay};

use super::trace::Element;

/// The date and the time of day of a date, dateTime or instant. What the report has no place for, a zone
/// or a date without a day, is remarked.
pub(super) fn date_and_time(element: Element<'_, '_>) -> (Option<Date>, Option<TimeOfDay>) {
    let Some(text) = element.json.as_str() else {
        return (None, None);
    };
    let (date_text, time_text) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let Some(date) = Date::parse(date_text) else {
        element.lose("is not carried: it is no whole date");
        return (None, None);
    };
    element.carry();
    let Some(time_text) = time_text else {
        return (Some(date), None);
    };
    let (clock, zone) = time_text.split_at(time_text.find(['Z', '+', '-']).unwrap_or(time_text.len()));
    let time = time_of_day(clock);
    match (&time, zone.is_empty()) {
        (None, _) => element.remark("its time of day is not carried"),
        (Some(_), false) => element.remark("its time zone is not carried"),
        (Some(_), true) => {}
    }
    if time.as_ref().is_some_and(|time| time.as_str().len() < clock.len()) {
        element.remark("decimals of its seconds beyond six are not carried");
    }
    (Some(date), time)
}

/// A time of day; seconds may be missing in what some systems send, and more than six decimals are cut.
fn time_of_day(clock: &str) -> Option<TimeOfDay> {
    let padded = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
    let kept = match padded.split_once('.') {
        Some((whole, fraction)) if fraction.len() > 6 => format!("{whole}.{}", fraction.get(..6)?),
        _ => padded,
    };
    TimeOfDay::parse(&kept)
}

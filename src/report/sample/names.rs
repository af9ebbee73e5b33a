//! Names of people who do not exist, in many scripts. Japanese, Korean and Chinese names carry the
//! ideographic and phonetic groups of PS3.5 annexes H, I and K; the others stand in the alphabetic group
//! in their own script.

use crate::report::{PersonName, Sex};

use super::rng::Rng;

/// A name of a person of `sex`; of a random one where that is not known.
pub(super) fn person(rng: &mut Rng, sex: Option<Sex>) -> PersonName {
    let pool = *rng.pick(POOLS);
    let female = match sex {
        Some(Sex::Female) => true,
        Some(Sex::Male) => false,
        Some(Sex::Other) | None => rng.chance(50),
    };
    let family = rng.pick(pool.families);
    let given = rng.pick(if female { pool.women } else { pool.men });
    let family_text = if female { family.female } else { family.male };
    let mut names = vec![given.text.to_owned()];
    if pool.middle && rng.chance(30) {
        let middle = rng.pick(if female { pool.women } else { pool.men }).text;
        names.extend(middle.split_whitespace().map(str::to_owned));
    }
    PersonName {
        family: family_text.to_owned(),
        given: names,
        prefix: (pool.middle && rng.chance(10)).then(|| rng.phrase(&["Dr", "Prof. Dr", "Dra."]).to_owned()),
        suffix: (pool.middle && rng.chance(5)).then(|| rng.phrase(&["Jr", "III", "M.D."]).to_owned()),
        ideographic: group(family.ideographic, given.ideographic),
        phonetic: group(family.phonetic, given.phonetic),
    }
}

fn group(family: &str, given: &str) -> Option<String> {
    (!family.is_empty()).then(|| format!("{family}^{given}"))
}

struct Pool {
    families: &'static [Family],
    women: &'static [Given],
    men: &'static [Given],
    /// Whether people of this pool have middle names and titles.
    middle: bool,
}

struct Family {
    male: &'static str,
    female: &'static str,
    ideographic: &'static str,
    phonetic: &'static str,
}

struct Given {
    text: &'static str,
    ideographic: &'static str,
    phonetic: &'static str,
}

const fn family(text: &'static str) -> Family {
    Family { male: text, female: text, ideographic: "", phonetic: "" }
}

const fn gendered(male: &'static str, female: &'static str) -> Family {
    Family { male, female, ideographic: "", phonetic: "" }
}

const fn family3(text: &'static str, ideographic: &'static str, phonetic: &'static str) -> Family {
    Family { male: text, female: text, ideographic, phonetic }
}

const fn given(text: &'static str) -> Given {
    Given { text, ideographic: "", phonetic: "" }
}

const fn given3(text: &'static str, ideographic: &'static str, phonetic: &'static str) -> Given {
    Given { text, ideographic, phonetic }
}

const POOLS: &[&Pool] =
    &[&WESTERN, &NORDIC, &SLAVIC_LATIN, &GREEK, &CYRILLIC, &JAPANESE, &KOREAN, &CHINESE, &ARABIC, &HEBREW, &YORUBA];

const WESTERN: Pool = Pool {
    families: &[
        family("Muñoz Ibáñez"),
        family("D'Achille"),
        family("Lefèvre"),
        family("Groß-Weinberger"),
        family("O'Sullivan"),
        family("van der Bruggen"),
        family("Gonçalves"),
    ],
    women: &[given("Anaïs"), given("María José"), given("Inês"), given("Jörgine"), given("Zoë")],
    men: &[given("François"), given("Jürgen"), given("Íñigo"), given("Conor"), given("João Pedro")],
    middle: true,
};

const NORDIC: Pool = Pool {
    families: &[
        family("Åkerström"),
        family("Bjørnsgård"),
        gendered("Þorvaldsson", "Þorvaldsdóttir"),
        family("Hämäläinen"),
    ],
    women: &[given("Guðrún"), given("Åsa"), given("Päivi"), given("Sølvi")],
    men: &[given("Håkon"), given("Björn"), given("Väinö"), given("Søren")],
    middle: true,
};

const SLAVIC_LATIN: Pool = Pool {
    families: &[
        gendered("Dvořák", "Dvořáková"),
        gendered("Wiśniewski", "Wiśniewska"),
        gendered("Žižka", "Žižková"),
        family("Šimić"),
        family("Nguyễn"),
        family("Őszi"),
    ],
    women: &[given("Božena"), given("Małgorzata"), given("Đurđica"), given("Thị Hồng")],
    men: &[given("Jiří"), given("Łukasz"), given("Željko"), given("Văn Tuấn")],
    middle: false,
};

const GREEK: Pool = Pool {
    families: &[
        gendered("Παπαδόπουλος", "Παπαδοπούλου"),
        gendered("Οικονόμου", "Οικονόμου"),
        gendered("Χατζηγεωργίου", "Χατζηγεωργίου"),
        gendered("Μαυρίδης", "Μαυρίδου"),
    ],
    women: &[given("Ελένη"), given("Αικατερίνη"), given("Δέσποινα")],
    men: &[given("Γεώργιος"), given("Αθανάσιος"), given("Ηλίας")],
    middle: false,
};

const CYRILLIC: Pool = Pool {
    families: &[
        gendered("Ковалёв", "Ковалёва"),
        gendered("Шевченко", "Шевченко"),
        gendered("Петровић", "Петровић"),
        gendered("Димитров", "Димитрова"),
        gendered("Зайцев", "Зайцева"),
    ],
    women: &[given("Екатерина"), given("Оксана"), given("Љубица"), given("Цветана")],
    men: &[given("Алексей"), given("Ігор"), given("Ђорђе"), given("Йордан")],
    middle: false,
};

const JAPANESE: Pool = Pool {
    families: &[
        family3("Yamamoto", "山本", "やまもと"),
        family3("Takahashi", "高橋", "たかはし"),
        family3("Watanabe", "渡邊", "わたなべ"),
        family3("Saito", "齋藤", "さいとう"),
        family3("Higashi", "東", "ひがし"),
    ],
    women: &[
        given3("Hanako", "花子", "はなこ"),
        given3("Misaki", "美咲", "みさき"),
        given3("Sakura", "さくら", "さくら"),
    ],
    men: &[
        given3("Tarou", "太郎", "たろう"),
        given3("Kenichi", "健一", "けんいち"),
        given3("Shota", "翔太", "しょうた"),
    ],
    middle: false,
};

const KOREAN: Pool = Pool {
    families: &[
        family3("Kim", "金", "김"),
        family3("Park", "朴", "박"),
        family3("Choi", "崔", "최"),
        family3("Jeong", "鄭", "정"),
    ],
    women: &[given3("Seoyeon", "瑞姸", "서연"), given3("Jimin", "智敏", "지민"), given3("Haeun", "夏恩", "하은")],
    men: &[given3("Gildong", "吉洞", "길동"), given3("Minjun", "民俊", "민준"), given3("Dohyun", "道賢", "도현")],
    middle: false,
};

const CHINESE: Pool = Pool {
    families: &[
        family3("Wang", "王", "Wáng"),
        family3("Zhang", "张", "Zhāng"),
        family3("Ouyang", "歐陽", "Ōuyáng"),
        family3("Lü", "吕", "Lǚ"),
    ],
    women: &[given3("XiaoHong", "小红", "Xiǎohóng"), given3("Yating", "雅婷", "Yǎtíng")],
    men: &[given3("XiaoDong", "小东", "Xiǎodōng"), given3("ZhiQiang", "志強", "Zhìqiáng")],
    middle: false,
};

const ARABIC: Pool = Pool {
    families: &[family("الحسيني"), family("قباني"), family("عبد الرحمن"), family("النجّار")],
    women: &[given("فاطمة"), given("مريم"), given("هدى")],
    men: &[given("محمّد"), given("نزار"), given("خالد")],
    middle: false,
};

const HEBREW: Pool = Pool {
    families: &[family("כהן"), family("לוי"), family("בן־דוד"), family("שָׁרוֹן")],
    women: &[given("דבורה"), given("רחל"), given("נעמי")],
    men: &[given("יוסף"), given("אברהם"), given("איתן")],
    middle: false,
};

/// Names whose tone marks have no precomposed letter.
const YORUBA: Pool = Pool {
    families: &[family("Ọlọ́runfẹ́mi"), family("Adébáyọ̀"), family("Ògúnbọ̀wálé")],
    women: &[given("Ẹniọlá"), given("Fọláṣadé"), given("Títílayọ̀")],
    men: &[given("Akínwùmí"), given("Olúwaṣẹ́gun"), given("Babátúndé")],
    middle: false,
};

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    #[test]
    fn every_name_of_the_tables_is_nfc() {
        for pool in POOLS {
            let families =
                pool.families.iter().flat_map(|name| [name.male, name.female, name.ideographic, name.phonetic]);
            let given = pool.women.iter().chain(pool.men).flat_map(|name| [name.text, name.ideographic, name.phonetic]);
            for text in families.chain(given) {
                assert_eq!(text.nfc().collect::<String>(), text);
            }
        }
    }
}

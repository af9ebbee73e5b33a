//! Narratives in other languages and scripts, for CT of the chest.

/// The phrases of one language.
pub(super) struct Tongue {
    /// BCP 47 tag.
    pub(super) tag: &'static str,
    pub(super) history: &'static str,
    pub(super) technique: &'static str,
    /// With `{date}`.
    pub(super) comparison: &'static str,
    pub(super) normal: &'static [&'static str],
    /// A solid nodule of the right upper lobe, with `{size}`.
    pub(super) nodule: &'static str,
    /// The same as an impression, with `{size}`.
    pub(super) nodule_impression: &'static str,
    /// Labels of its long axis and its short axis.
    pub(super) axes: [&'static str; 2],
    pub(super) clear: &'static str,
    pub(super) advice: &'static str,
}

pub(super) const TONGUES: &[Tongue] = &[GERMAN, GREEK, RUSSIAN, JAPANESE, KOREAN, CHINESE, ARABIC, HEBREW];

const GERMAN: Tongue = Tongue {
    tag: "de-DE",
    history: "Bekannter Rundherd im rechten Oberlappen, Verlaufskontrolle. Raucher, 30 Packungsjahre.",
    technique: "Spiral-CT des Thorax nach intravenöser Kontrastmittelgabe, Schichtdicke 1 mm, multiplanare Rekonstruktionen.",
    comparison: "Voruntersuchung vom {date}.",
    normal: &[
        "Trachea und zentrale Bronchien sind frei durchgängig.",
        "Kein Pleuraerguss, kein Pneumothorax.",
        "Herz nicht vergrößert, kein Perikarderguss.",
        "Keine vergrößerten mediastinalen oder hilären Lymphknoten.",
        "Miterfasste Oberbauchorgane unauffällig.",
        "Kein Anhalt für eine ossäre Destruktion.",
    ],
    nodule: "Im rechten Oberlappen solider Rundherd mit glatter Begrenzung, {size}.",
    nodule_impression: "Solider Rundherd im rechten Oberlappen, {size}.",
    axes: ["Rundherd rechter Oberlappen, Längsachse", "Rundherd rechter Oberlappen, Querachse"],
    clear: "Kein Nachweis einer akuten oder malignomverdächtigen Veränderung im Thorax.",
    advice: "Niedrigdosis-CT in 3 Monaten empfohlen.",
};

const GREEK: Tongue = Tongue {
    tag: "el-GR",
    history: "Βήχας από εξαμήνου. Έλεγχος γνωστού οζιδίου του δεξιού άνω λοβού.",
    technique: "Ελικοειδής αξονική τομογραφία θώρακος μετά από ενδοφλέβια χορήγηση σκιαγραφικού, τομές 1 mm.",
    comparison: "Σύγκριση με την εξέταση της {date}.",
    normal: &[
        "Η τραχεία και οι κεντρικοί βρόγχοι είναι βατοί.",
        "Δεν παρατηρείται πλευριτική συλλογή ή πνευμοθώρακας.",
        "Η καρδιά έχει φυσιολογικό μέγεθος.",
        "Δεν υπάρχουν διογκωμένοι λεμφαδένες του μεσοθωρακίου.",
        "Τα όργανα της άνω κοιλίας χωρίς παθολογικά ευρήματα.",
        "Χωρίς οστικές βλάβες.",
    ],
    nodule: "Στον δεξιό άνω λοβό συμπαγές οζίδιο με ομαλά όρια, {size}.",
    nodule_impression: "Συμπαγές οζίδιο του δεξιού άνω λοβού, {size}.",
    axes: ["Οζίδιο δεξιού άνω λοβού, επιμήκης άξονας", "Οζίδιο δεξιού άνω λοβού, βραχύς άξονας"],
    clear: "Χωρίς ενδείξεις οξείας ή ύποπτης νόσου του θώρακα.",
    advice: "Συνιστάται επανέλεγχος με αξονική τομογραφία χαμηλής δόσης σε 3 μήνες.",
};

const RUSSIAN: Tongue = Tongue {
    tag: "ru-RU",
    history: "Кашель в течение шести месяцев. Контроль известного узла верхней доли правого лёгкого.",
    technique: "Спиральная КТ органов грудной клетки с внутривенным контрастированием, толщина среза 1 мм.",
    comparison: "Сравнение с исследованием от {date}.",
    normal: &[
        "Трахея и крупные бронхи проходимы.",
        "Жидкости в плевральных полостях нет, пневмоторакса нет.",
        "Сердце не увеличено.",
        "Внутригрудные лимфатические узлы не увеличены.",
        "Видимые отделы брюшной полости без особенностей.",
        "Костно-деструктивных изменений не выявлено.",
    ],
    nodule: "В верхней доле правого лёгкого солидный узел с ровными контурами, {size}.",
    nodule_impression: "Солидный узел верхней доли правого лёгкого, {size}.",
    axes: ["Узел верхней доли правого лёгкого, длинная ось", "Узел верхней доли правого лёгкого, короткая ось"],
    clear: "Признаков острой или подозрительной патологии органов грудной клетки не выявлено.",
    advice: "Рекомендуется низкодозная КТ через 3 месяца.",
};

const JAPANESE: Tongue = Tongue {
    tag: "ja-JP",
    history: "咳嗽が持続。右上葉結節の経過観察。",
    technique: "造影胸部CT、スライス厚1 mm、多断面再構成。",
    comparison: "{date}の検査と比較。",
    normal: &[
        "気管および中枢気管支に狭窄を認めません。",
        "胸水、気胸を認めません。",
        "心拡大を認めません。",
        "縦隔および肺門リンパ節の有意な腫大を認めません。",
        "撮影範囲の上腹部に異常を認めません。",
        "骨破壊像を認めません。",
    ],
    nodule: "右上葉に辺縁平滑な充実性結節を認めます。大きさは{size}です。",
    nodule_impression: "右上葉の充実性結節、{size}。",
    axes: ["右上葉結節、長径", "右上葉結節、短径"],
    clear: "胸部に明らかな急性病変や悪性を疑う所見を認めません。",
    advice: "3か月後の低線量CTを推奨します。",
};

const KOREAN: Tongue = Tongue {
    tag: "ko-KR",
    history: "6주간 지속된 기침. 우상엽 결절 추적 검사.",
    technique: "조영 증강 흉부 CT, 절편 두께 1 mm, 다평면 재구성.",
    comparison: "{date} 검사와 비교.",
    normal: &[
        "기관 및 중심 기관지는 개통되어 있음.",
        "흉수나 기흉은 없음.",
        "심장 크기는 정상임.",
        "종격동 및 폐문 림프절 비대 없음.",
        "포함된 상복부에 특이 소견 없음.",
        "골 파괴 소견 없음.",
    ],
    nodule: "우상엽에 경계가 매끄러운 고형 결절이 있으며 크기는 {size}임.",
    nodule_impression: "우상엽 고형 결절, {size}.",
    axes: ["우상엽 결절, 장경", "우상엽 결절, 단경"],
    clear: "흉부에 급성 또는 악성 의심 소견 없음.",
    advice: "3개월 후 저선량 CT 권고.",
};

const CHINESE: Tongue = Tongue {
    tag: "zh-CN",
    history: "咳嗽六周，右上叶结节复查。",
    technique: "胸部增强CT，层厚1 mm，多平面重建。",
    comparison: "与{date}检查比较。",
    normal: &[
        "气管及主支气管通畅。",
        "未见胸腔积液及气胸。",
        "心脏大小正常。",
        "纵隔及肺门未见肿大淋巴结。",
        "所见上腹部未见异常。",
        "未见骨质破坏。",
    ],
    nodule: "右肺上叶见一实性结节，边缘光滑，大小{size}。",
    nodule_impression: "右肺上叶实性结节，{size}。",
    axes: ["右肺上叶结节，长径", "右肺上叶结节，短径"],
    clear: "胸部未见急性或可疑恶性病变。",
    advice: "建议3个月后复查低剂量CT。",
};

const ARABIC: Tongue = Tongue {
    tag: "ar",
    history: "سعال منذ ستة أسابيع. متابعة عقيدة معروفة في الفص العلوي الأيمن.",
    technique: "تصوير مقطعي محوسب للصدر بعد حقن مادة التباين وريديًا، سماكة المقطع 1 mm.",
    comparison: "مقارنة بالفحص المؤرخ {date}.",
    normal: &[
        "الرغامى والقصبات المركزية سالكة.",
        "لا يوجد انصباب جنبي ولا استرواح صدري.",
        "حجم القلب طبيعي.",
        "لا توجد عقد لمفية متضخمة في المنصف.",
        "الجزء الظاهر من البطن العلوي سليم.",
        "لا توجد آفات عظمية مخربة.",
    ],
    nodule: "عقيدة صلبة ملساء الحواف في الفص العلوي الأيمن، قياسها {size}.",
    nodule_impression: "عقيدة صلبة في الفص العلوي الأيمن، {size}.",
    axes: ["عقيدة الفص العلوي الأيمن، المحور الطويل", "عقيدة الفص العلوي الأيمن، المحور القصير"],
    clear: "لا توجد علامات لمرض حاد أو مشتبه به في الصدر.",
    advice: "يوصى بإجراء تصوير مقطعي منخفض الجرعة بعد 3 أشهر.",
};

const HEBREW: Tongue = Tongue {
    tag: "he-IL",
    history: "שיעול ממושך. מעקב אחר קשרית ידועה באונה העליונה הימנית.",
    technique: "טומוגרפיה ממוחשבת של בית החזה לאחר הזרקת חומר ניגוד, חתכים בעובי 1 mm.",
    comparison: "השוואה לבדיקה מתאריך {date}.",
    normal: &[
        "קנה הנשימה והסמפונות המרכזיים פתוחים.",
        "אין תפליט פלאורלי ואין חזה אוויר.",
        "הלב אינו מוגדל.",
        "אין הגדלה של בלוטות לימפה במיצר.",
        "הבטן העליונה הנראית בבדיקה ללא ממצא.",
        "אין הרס גרמי.",
    ],
    nodule: "באונה העליונה הימנית קשרית סולידית בעלת גבולות חלקים, {size}.",
    nodule_impression: "קשרית סולידית באונה העליונה הימנית, {size}.",
    axes: ["קשרית באונה העליונה הימנית, ציר ארוך", "קשרית באונה העליונה הימנית, ציר קצר"],
    clear: "אין עדות למחלה חריפה או חשודה בבית החזה.",
    advice: "מומלצת טומוגרפיה במינון נמוך בעוד 3 חודשים.",
};

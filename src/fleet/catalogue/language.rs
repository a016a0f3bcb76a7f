//! The languages of localized titles, with words of our own in the scripts of each.
//!
//! Titles in real scripts matter: they take two and three bytes a character, and consoles, reports
//! and logs must get them through unharmed.

/// A language of updates and of machines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Language {
    /// The tag in documents and in `WindowsLanguage`.
    pub(super) tag: &'static str,
    /// Other tags for which Windows in this language answers.
    also: &'static [&'static str],
    /// Title of an update, with `{month}`, `{component}`, `{product}` and `{kb}`.
    title: &'static str,
    /// Description of an update, with the same.
    description: &'static str,
}

/// What the patterns of a title and a description are filled with.
#[derive(Debug)]
pub(super) struct Words<'a> {
    /// Year and month, as in `2026-04`.
    pub(super) month: &'a str,
    /// What is updated.
    pub(super) component: &'a str,
    /// What it is part of.
    pub(super) product: &'a str,
    /// Number of the article.
    pub(super) kb: u64,
}

impl Language {
    /// Position in [`LANGUAGES`] of the language in which a machine's Windows calls itself `tag`.
    pub(super) fn position(tag: &str) -> Option<usize> {
        LANGUAGES.iter().position(|language| language.tags().any(|own| own == tag))
    }

    /// All tags for which Windows in this language answers.
    pub(super) fn tags(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.tag).chain(self.also.iter().copied())
    }

    /// The title of an update.
    pub(super) fn title(&self, words: &Words<'_>) -> String {
        words.fill(self.title)
    }

    /// The description of an update.
    pub(super) fn description(&self, words: &Words<'_>) -> String {
        words.fill(self.description)
    }
}

impl Words<'_> {
    fn fill(&self, pattern: &str) -> String {
        let mut text = String::with_capacity(pattern.len() + 64);
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match name {
                "month" => text.push_str(self.month),
                "component" => text.push_str(self.component),
                "product" => text.push_str(self.product),
                _ => text.push_str(&self.kb.to_string()),
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

const fn language(tag: &'static str, title: &'static str, description: &'static str) -> Language {
    Language { tag, also: &[], title, description }
}

/// The 37 languages, in the order in which localisation reaches them.
#[rustfmt::skip]
pub(super) const LANGUAGES: [Language; 37] = [
    language("en", "{month} Maintenance of {component} for {product} (KB{kb})",
        "Brings {component} up to date and removes the faults that article KB{kb} describes. The computer may have to be restarted afterwards."),
    language("de", "{month} Wartung von {component} für {product} (KB{kb})",
        "Bringt {component} auf den neuesten Stand und behebt die in Artikel KB{kb} beschriebenen Fehler. Danach muss der Computer möglicherweise neu gestartet werden."),
    language("fr", "{month} Entretien de {component} pour {product} (KB{kb})",
        "Met à jour {component} et élimine les défauts décrits dans l’article KB{kb}. Un redémarrage de l’ordinateur peut être nécessaire ensuite."),
    language("ja", "{month} {product} 用 {component} の保守更新 (KB{kb})",
        "{component} を最新の状態にし、記事 KB{kb} に記載されている不具合を取り除きます。適用後にコンピューターの再起動が必要になることがあります。"),
    language("es", "{month} Mantenimiento de {component} para {product} (KB{kb})",
        "Pone al día {component} y elimina los fallos descritos en el artículo KB{kb}. Después puede ser necesario reiniciar el equipo."),
    language("it", "{month} Manutenzione di {component} per {product} (KB{kb})",
        "Aggiorna {component} ed elimina i difetti descritti nell’articolo KB{kb}. In seguito può essere necessario riavviare il computer."),
    language("zh-cn", "{month} 适用于 {product} 的 {component} 维护更新 (KB{kb})",
        "将 {component} 更新到最新状态，并排除文章 KB{kb} 中所述的故障。更新之后可能需要重新启动计算机。"),
    language("zh-tw", "{month} 適用於 {product} 的 {component} 維護更新 (KB{kb})",
        "將 {component} 更新至最新狀態，並排除文章 KB{kb} 所述的錯誤。更新之後可能需要重新啟動電腦。"),
    language("ko", "{month} {product}용 {component} 유지 관리 업데이트 (KB{kb})",
        "{component}을(를) 최신 상태로 만들고 문서 KB{kb}에 설명된 결함을 제거합니다. 이후 컴퓨터를 다시 시작해야 할 수 있습니다."),
    language("pt-br", "{month} Manutenção de {component} para {product} (KB{kb})",
        "Atualiza {component} e remove as falhas descritas no artigo KB{kb}. Talvez seja preciso reiniciar o computador depois."),
    language("ru", "{month} Обслуживание {component} для {product} (KB{kb})",
        "Обновляет {component} и устраняет ошибки, описанные в статье KB{kb}. После этого может потребоваться перезагрузка компьютера."),
    language("pl", "{month} Konserwacja {component} dla {product} (KB{kb})",
        "Aktualizuje {component} i usuwa błędy opisane w artykule KB{kb}. Później może być konieczne ponowne uruchomienie komputera."),
    language("nl", "{month} Onderhoud van {component} voor {product} (KB{kb})",
        "Werkt {component} bij en verhelpt de fouten die in artikel KB{kb} staan. Mogelijk moet de computer daarna opnieuw worden gestart."),
    language("sv", "{month} Underhåll av {component} för {product} (KB{kb})",
        "Uppdaterar {component} och rättar felen som beskrivs i artikel KB{kb}. Datorn kan behöva startas om efteråt."),
    language("da", "{month} Vedligeholdelse af {component} til {product} (KB{kb})",
        "Opdaterer {component} og fjerner de fejl, der er beskrevet i artikel KB{kb}. Computeren skal muligvis genstartes bagefter."),
    Language { tag: "no", also: &["nb", "nn"],
        title: "{month} Vedlikehold av {component} for {product} (KB{kb})",
        description: "Oppdaterer {component} og retter feilene som er beskrevet i artikkel KB{kb}. Det kan hende at datamaskinen må startes på nytt etterpå." },
    language("fi", "{month} Huoltopäivitys: {component}, {product} (KB{kb})",
        "Saattaa osan {component} ajan tasalle ja poistaa artikkelissa KB{kb} kuvatut viat. Tietokone on ehkä käynnistettävä sen jälkeen uudelleen."),
    language("cs", "{month} Údržba {component} pro {product} (KB{kb})",
        "Aktualizuje {component} a odstraní chyby popsané v článku KB{kb}. Poté může být nutné počítač restartovat."),
    language("hu", "{month} {component} karbantartása a következőhöz: {product} (KB{kb})",
        "Frissíti ezt: {component}, és kijavítja a KB{kb} cikkben leírt hibákat. Utána szükség lehet a számítógép újraindítására."),
    language("tr", "{month} {product} için {component} bakımı (KB{kb})",
        "{component} bileşenini günceller ve KB{kb} makalesinde açıklanan hataları giderir. Ardından bilgisayarı yeniden başlatmanız gerekebilir."),
    language("pt", "{month} Manutenção de {component} para {product} (KB{kb})",
        "Atualiza {component} e elimina as falhas descritas no artigo KB{kb}. Pode ser necessário reiniciar o computador em seguida."),
    language("el", "{month} Συντήρηση του {component} για {product} (KB{kb})",
        "Ενημερώνει το {component} και διορθώνει τα σφάλματα που περιγράφει το άρθρο KB{kb}. Ίσως χρειαστεί επανεκκίνηση του υπολογιστή."),
    language("he", "{month} תחזוקה של {component} עבור {product} (KB{kb})",
        "מעדכן את {component} ומסיר את התקלות המתוארות במאמר KB{kb}. ייתכן שיהיה צורך להפעיל מחדש את המחשב לאחר מכן."),
    language("ar", "{month} صيانة {component} لـ {product} (KB{kb})",
        "يحدّث {component} ويزيل الأخطاء الموصوفة في المقالة KB{kb}. قد يلزم بعد ذلك إعادة تشغيل الكمبيوتر."),
    language("bg", "{month} Поддръжка на {component} за {product} (KB{kb})",
        "Обновява {component} и отстранява грешките, описани в статия KB{kb}. След това може да се наложи рестартиране на компютъра."),
    language("hr", "{month} Održavanje {component} za {product} (KB{kb})",
        "Ažurira {component} i uklanja pogreške opisane u članku KB{kb}. Nakon toga možda će trebati ponovno pokrenuti računalo."),
    language("et", "{month} Hooldusvärskendus: {component}, {product} (KB{kb})",
        "Värskendab osa {component} ja kõrvaldab artiklis KB{kb} kirjeldatud vead. Pärast seda võib olla vaja arvuti taaskäivitada."),
    language("lv", "{month} {component} uzturēšana produktam {product} (KB{kb})",
        "Atjaunina {component} un novērš rakstā KB{kb} aprakstītās kļūdas. Pēc tam dators, iespējams, būs jārestartē."),
    language("lt", "{month} {component} priežiūra, skirta {product} (KB{kb})",
        "Atnaujina {component} ir pašalina straipsnyje KB{kb} aprašytas klaidas. Po to gali reikėti iš naujo paleisti kompiuterį."),
    language("ro", "{month} Întreținerea {component} pentru {product} (KB{kb})",
        "Actualizează {component} și înlătură erorile descrise în articolul KB{kb}. Ulterior poate fi necesară repornirea computerului."),
    language("sk", "{month} Údržba {component} pre {product} (KB{kb})",
        "Aktualizuje {component} a odstraňuje chyby opísané v článku KB{kb}. Potom môže byť potrebné počítač reštartovať."),
    language("sl", "{month} Vzdrževanje {component} za {product} (KB{kb})",
        "Posodobi {component} in odpravi napake, opisane v članku KB{kb}. Nato bo morda treba znova zagnati računalnik."),
    language("sr", "{month} Одржавање {component} за {product} (KB{kb})",
        "Ажурира {component} и отклања грешке описане у чланку KB{kb}. Након тога ће можда бити потребно поново покренути рачунар."),
    language("th", "{month} การบำรุงรักษา {component} สำหรับ {product} (KB{kb})",
        "ปรับปรุง {component} ให้เป็นปัจจุบันและแก้ไขข้อผิดพลาดที่อธิบายไว้ในบทความ KB{kb} อาจต้องเริ่มคอมพิวเตอร์ใหม่ในภายหลัง"),
    language("uk", "{month} Обслуговування {component} для {product} (KB{kb})",
        "Оновлює {component} й усуває помилки, описані в статті KB{kb}. Після цього може знадобитися перезавантажити комп’ютер."),
    language("zh-hk", "{month} 適用於 {product} 的 {component} 維護更新 (KB{kb})",
        "把 {component} 更新至最新版本，並修正文章 KB{kb} 所述的問題。之後可能需要重新啟動電腦。"),
    language("hi", "{month} {product} के लिए {component} का रखरखाव (KB{kb})",
        "{component} को अद्यतन करता है और लेख KB{kb} में वर्णित त्रुटियाँ दूर करता है। इसके बाद कंप्यूटर को पुनः प्रारंभ करना पड़ सकता है।"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_filled_completely() {
        let words =
            Words { month: "2026-04", component: "Sluice 7", product: "Gauge", kb: 9_000_123 };
        for language in &LANGUAGES {
            let title = language.title(&words);
            for word in ["2026-04", "Sluice 7", "Gauge", "KB9000123"] {
                assert!(title.contains(word), "{}: {title}", language.tag);
            }
            let description = language.description(&words);
            assert!(description.contains("Sluice 7") && description.contains("KB9000123"));
            assert!(!(title + &description).contains(['{', '}']), "{}", language.tag);
        }
    }

    #[test]
    fn tags_are_unique_and_found() {
        for (at, language) in LANGUAGES.iter().enumerate() {
            assert_eq!(Language::position(language.tag), Some(at));
        }
        assert_eq!(Language::position("nb"), Language::position("no"));
        assert_eq!(Language::position("xx"), None);
    }
}

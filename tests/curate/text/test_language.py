import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.text.language import identify

SAMPLES = {
    "en": "The committee met on Tuesday to discuss the new library and the road that leads to it.",
    "de": "Der Ausschuss traf sich am Dienstag, um über die neue Bibliothek und die Straße dorthin zu sprechen.",
    "fr": "Le comité s'est réuni mardi pour parler de la nouvelle bibliothèque et de la route qui y mène.",
    "es": "El comité se reunió el martes para hablar de la nueva biblioteca y de la carretera que lleva a ella.",
    "pt": "A comissão reuniu-se na terça-feira para falar da nova biblioteca e da estrada que não chega até lá.",
    "pl": "Komisja spotkała się we wtorek, aby porozmawiać o nowej bibliotece i drodze, która do niej prowadzi.",
    "ru": "Комитет собрался во вторник, чтобы обсудить новую библиотеку и дорогу, которая к ней ведёт.",
    "ar": "اجتمعت اللجنة يوم الثلاثاء لمناقشة المكتبة الجديدة والطريق المؤدي إليها.",
    "he": "הוועדה נפגשה ביום שלישי כדי לדון בספרייה החדשה ובדרך המובילה אליה.",
    "ja": "委員会は火曜日に集まり、新しい図書館とそこへ続く道について話し合いました。",
    "ko": "위원회는 화요일에 모여 새로운 도서관과 그곳으로 가는 길에 대해 논의했습니다.",
    "id": "Presiden mengatakan bahwa pemerintah akan membangun jalan karena warga desa membutuhkannya sejak lama.",
    "hi": "समिति की बैठक मंगलवार को नए पुस्तकालय और वहाँ जाने वाली सड़क पर चर्चा करने के लिए हुई।",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_languages(language):
    assert identify(pa.array([SAMPLES[language]])).to_pylist() == [language]


@pytest.mark.parametrize(
    "text", ["委员会星期二开会讨论新图书馆和通往那里的道路。", "委員會星期二開會討論新圖書館和通往那裡的道路。"]
)
def test_chinese_in_either_script(text):
    assert identify(pa.array([text])).to_pylist() == ["zh"]


@pytest.mark.parametrize("text", [None, "", "  \n", "1234 5678", "\x00\x01\x7f", "\ufffe\uffff"])
def test_unknown(text):
    assert identify(pa.array([text], pa.string())).to_pylist() == ["und"]


def test_control_characters_and_newlines():
    text = SAMPLES["de"].replace(" ", "\x01 \n\x85")
    assert identify(pa.array([text], pa.large_string())).to_pylist() == ["de"]


def test_reads_the_beginning():
    assert identify(pa.array([SAMPLES["fr"] * 12 + SAMPLES["en"] * 100])).to_pylist() == ["fr"]


@given(st.lists(st.none() | st.text(max_size=60), max_size=6))
@settings(max_examples=100, deadline=None)
def test_never_raises(texts):
    result = identify(pa.array(texts, pa.string()))
    assert result.type == pa.string() and len(result) == len(texts) and result.null_count == 0

from rich.text import Text

from services.cli.terminal import cut, one_line


def test_text_of_strangers_cannot_command_the_terminal() -> None:
    assert one_line("red \x1b[31malert\x07\nnext\tline\x9b2J") == "red [31malert next line 2J"
    assert one_line("safe\u202etxt.exe") == "safetxt.exe"


def test_emoji_stay_whole() -> None:
    family = "👩\u200d👧 hola"
    assert one_line(family) == family


def test_wide_characters_count_double() -> None:
    assert cut(Text("日本語日本語"), 7).cell_len <= 7
    assert cut(Text("short"), None).plain == "short"

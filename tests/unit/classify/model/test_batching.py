from services.classify.model.batching import MAX_RUN_ROWS, MAX_RUN_TOKENS, padded_length, rows_of_run, runs_of


def test_lengths_are_few_and_near() -> None:
    for tokens in range(1, 513):
        length = padded_length(tokens)
        assert tokens <= length < tokens + (4 if tokens <= 64 else 8)
        assert padded_length(length) == length
    assert [padded_length(tokens) for tokens in (1, 4, 5, 33, 65, 128)] == [4, 4, 8, 36, 72, 128]
    assert len({padded_length(tokens) for tokens in range(1, 129)}) == 24


def test_runs_have_few_sizes() -> None:
    sizes = {rows_of_run(length, waiting) for length in range(4, 129, 4) for waiting in range(1, 200)}
    assert sizes == {1, 2, 4, 8, 16, 32, 64}
    assert rows_of_run(4, 1_000) == MAX_RUN_ROWS
    assert rows_of_run(128, 1_000) == MAX_RUN_TOKENS // 128
    assert rows_of_run(4 * MAX_RUN_TOKENS, 3) == 1
    assert rows_of_run(8, 5, max_rows=64, max_tokens=16) == 2


def test_a_batch_is_run_whole_and_once() -> None:
    batch = [tuple(range(1 + number * 7 % 50)) for number in range(300)]
    seen = []
    for length, positions in runs_of(batch):
        assert {padded_length(len(batch[position])) for position in positions} == {length}
        assert len(positions) * length <= MAX_RUN_TOKENS
        seen += positions
    assert sorted(seen) == list(range(300))
    assert list(runs_of([])) == []

"""`splice`: where regions lie, what is in them, and what is around them."""

from dataclasses import replace

import pytest
import torch
from skimage import data as pictures

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.history import History
from forensics.histories.operations import regions
from forensics.histories.operations.regions import Window

MARGIN, SIDE = 96, 64


@pytest.fixture
def batch():
    """Tiles of a photograph, each with tiles of two others."""
    tile = SIDE + 2 * MARGIN
    names = ("camera", "coins", "brick")
    whole = [torch.from_numpy(getattr(pictures, name)()) for name in names]
    cuts = [
        torch.stack([p[4 * n : 4 * n + tile, 5 * n : 5 * n + tile] for n in range(6)])[:, None]
        for p in whole
    ]
    origins = 16 * torch.arange(12).view(6, 2)
    return replace(
        Batch.of(cuts[0].contiguous()),
        origins=origins,
        donors=torch.stack(cuts[1:], 1),
        window=(MARGIN, SIDE),
    )


def spliced(text, batch):
    return History.parse(text).apply(batch)


@pytest.mark.parametrize("donor", [0, 1])
def test_the_region_is_the_donor_and_the_rest_is_as_it_was(batch, donor):
    after = spliced(f"splice(median(5),donor={donor})", batch)
    inner = History.parse("median(5)").apply(Batch.of(batch.donors[:, donor]))
    mask = after.mask[:, None]
    assert torch.equal(after.pixels, torch.where(mask, inner.pixels, batch.pixels))
    # Without a history the donor's tile is as it is.
    bare = spliced(f"splice(donor={donor})", batch)
    assert torch.equal(bare.pixels[bare.mask[:, None]], batch.donors[:, donor][bare.mask[:, None]])
    assert (bare.pixels != batch.pixels)[bare.mask[:, None]].any()


def test_the_same_content_under_another_history(batch):
    after = spliced("splice(gaussian(2),donor=self)", batch)
    blurred = History.parse("gaussian(2)").apply(batch)
    assert torch.equal(after.pixels, torch.where(after.mask[:, None], blurred.pixels, batch.pixels))


def test_copied_regions_come_from_elsewhere_in_the_image(batch):
    after = spliced("splice(donor=copy)", batch)
    seen = set()
    for n in range(len(batch)):
        rows, columns = after.mask[n].nonzero(as_tuple=True)
        found = [
            (dy, dx)
            for dy in range(-SIDE // 2, SIDE // 2 + 1)
            for dx in range(-SIDE // 2, SIDE // 2 + 1)
            if torch.equal(
                batch.pixels[n, 0, rows + dy, columns + dx], after.pixels[n, 0, rows, columns]
            )
        ]
        assert len(found) == 1
        assert all(SIDE // 4 <= abs(d) <= SIDE // 2 for d in found[0])
        assert torch.equal(after.pixels[n, 0][~after.mask[n]], batch.pixels[n, 0][~after.mask[n]])
        seen.update(found)
    assert len(seen) > 3


def test_noise_in_the_region_is_not_the_noise_around_it(batch):
    flat = replace(batch, pixels=torch.full_like(batch.pixels, 128))
    around = History.parse("awgn(9)").apply(flat)
    local = spliced("splice(awgn(9),donor=self)", flat)
    inside = local.mask[:, None]
    assert (local.pixels == around.pixels)[inside].double().mean() < 0.1
    assert float(local.pixels[inside].double().std()) == pytest.approx(9, abs=0.5)


def test_the_grid_of_a_cropped_region_begins_where_the_crop_says(batch):
    after = spliced("splice(jpeg(20) crop(3,5))", batch)
    compressed = History.parse("jpeg(20)").apply(Batch.of(batch.donors[:, 0])).pixels
    mask = after.mask.clone()
    expected = batch.pixels.clone()
    expected[:, :, :-3, :-5] = torch.where(
        mask[:, None, :-3, :-5], compressed[:, :, 3:, 5:], expected[:, :, :-3, :-5]
    )
    assert torch.equal(after.pixels, expected)


def test_regions_are_within_the_patch_and_as_large_as_they_say():
    keys = torch.arange(600)
    found = regions.draw(keys, "a", Window(MARGIN, 40, SIDE, 96), (256, 200))
    share = found.mask.sum((1, 2)) / (SIDE * 96)
    assert 0.04 < share.min() < 0.08
    assert 0.36 < share.max() < 0.42
    assert not found.mask[:, :MARGIN].any()
    assert not found.mask[:, MARGIN + SIDE :].any()
    assert not found.mask[:, :, :40].any()
    assert not found.mask[:, :, 40 + 96 :].any()
    # They are everywhere in it, and reach its border.
    assert found.mask[:, MARGIN : MARGIN + SIDE, 40:136].any(0).double().mean() > 0.95
    for n in (0, 1, 2):
        rows, columns = found.mask[n].nonzero(as_tuple=True)
        assert (int(found.top[n]), int(found.bottom[n])) == (rows.min(), rows.max() + 1)
        assert (int(found.left[n]), int(found.right[n])) == (columns.min(), columns.max() + 1)
    # A third each: rectangles fill their frames, ellipses pi / 4 of them.
    frame = (found.bottom - found.top) * (found.right - found.left)
    filled = found.mask.sum((1, 2)) / frame
    assert 0.25 < (filled == 1).double().mean() < 0.42
    assert ((filled > 0.74) & (filled < 0.84)).double().mean() > 0.3


def test_a_larger_tile_around_the_patch_has_the_same_region(batch):
    small = replace(
        batch,
        pixels=batch.pixels[:, :, 16:-16, 16:-16],
        donors=batch.donors[:, :, :, 16:-16, 16:-16],
        window=(MARGIN - 16, SIDE),
    )
    for text in ("splice(median(3))", "splice(donor=copy)", "splice(jpeg(50),donor=1)"):
        wide, narrow = spliced(text, batch), spliced(text, small)
        assert torch.equal(wide.mask[:, 16:-16, 16:-16], narrow.mask)
        assert torch.equal(wide.pixels[:, :, 16:-16, 16:-16], narrow.pixels)


def test_a_region_depends_on_its_key_alone(batch):
    text = "splice(jpeg({q})) splice(jpeg({q}),donor=1)"
    whole = History.parse(text).apply(batch, {"q": 60})
    for n in (0, 5):
        one = History.parse(text).apply(batch[n : n + 1], {"q": 60})
        assert torch.equal(one.pixels, whole.pixels[n : n + 1])
    other = History.parse(text).apply(batch, {"q": 95})
    assert torch.equal(other.mask, whole.mask)
    assert len({tuple(m.flatten().tolist()) for m in whole.mask}) == len(batch)


def test_two_regions_in_a_row_are_both_seen():
    keys = torch.arange(400)
    window, size = Window(0, 0, SIDE, SIDE), (SIDE, SIDE)
    first = regions.draw(keys, "a", window, size).mask
    second = regions.beside(keys, "b", window, size, first).mask
    common = (first & second).sum((1, 2))
    assert (common / first.sum((1, 2))).max() < 0.9
    assert (common / second.sum((1, 2))).max() < 0.9
    # Where one pays no heed, some are lost.
    blind = regions.draw(keys, "b 0", window, size).mask
    assert ((first & ~blind).sum((1, 2)) == 0).any()


def test_two_donors_in_a_third_picture(batch):
    after = spliced("splice(donor=0) splice(donor=1)", batch)
    sources = [batch.donors[:, 0], batch.donors[:, 1]]
    alike = [(after.pixels == s)[:, 0] & after.mask for s in sources]
    assert (alike[0] | alike[1])[after.mask].all()
    for part in alike:
        assert (part.sum((1, 2)) > 0.02 * SIDE * SIDE).all()


def test_whole_images(batch):
    image = Batch.of(batch.pixels[:2, :, :100, :140])
    after = spliced("jpeg(90) splice(jpeg(40) crop(3,5),donor=copy)", image)
    assert after.size == (100, 140)
    assert after.jpeg is None
    assert after.mask.any(2).any(1).all()
    with pytest.raises(ForensicsError, match="no region to take from the 20 x 14 pixels"):
        spliced("splice(resize(0.14),donor=self)", Batch.of(batch.pixels[:, :, :100, :140]))
    with pytest.raises(ForensicsError, match="donor=self or donor=copy"):
        spliced("splice(jpeg(60),donor=1)", image)


def test_the_mask_moves_with_the_image(batch):
    """Marked pixels are those of the region, before and after."""
    marked = replace(
        batch,
        pixels=torch.zeros_like(batch.pixels),
        donors=torch.full_like(batch.donors, 255),
    )
    for step in ("rotate(20)", "resize(1.3)", "shear(0.2)", "crop(3,5)"):
        after = spliced(f"splice(donor=0) {step}", marked)
        assert after.mask.any(2).any(1).all()
        # Interpolated only along its edge.
        assert ((after.pixels[:, 0] > 127) == after.mask).double().mean() > 0.99
        assert not after.mask[after.pixels[:, 0] == 0].any()

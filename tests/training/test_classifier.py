"""Recipes of classifiers: two classes and five, networks and boosted trees, learnt in seconds."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from skimage import data as pictures
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

import forensics
from forensics import data, nn, training
from forensics.batch import Batch
from forensics.errors import ForensicsError, NotApplicable
from forensics.models import weights
from forensics.models.registry import registry
from forensics.traces.trace import Target, Trace
from forensics.training.generator import Generator, Pool
from forensics.training.learner import Descent

BLURS = [0.0, 0.6, 1.0, 1.7, 3.0]


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """Four photographs of 128 x 160 to train on, two to choose by."""
    folder = tmp_path_factory.mktemp("larger")
    for number in range(6):
        place = folder / ("train" if number < 4 else "val")
        place.mkdir(exist_ok=True)
        top, left = divmod(number, 3)
        part = pictures.camera()[top * 200 :, left * 150 :][:128, :160]
        Image.fromarray(np.ascontiguousarray(part)).save(place / f"{number}.png")
    return folder


def trained(photographs, model, out=None, **options):
    options = {"steps": 3, "device": "cpu", **options}
    return training.train(model, str(photographs), out=out, **options)


def recipe_of(name, **changes):
    made = registry().get(name, "recipe").entry.load()()
    return replace(made, **changes) if changes else made


def examples(recipe, photographs, split="train"):
    pool = Pool(data.resolve(str(photographs), split), False, torch.device("cpu"))
    return Generator(recipe, pool, recipe.augmentations if split == "train" else ())


def values(result):
    return result.card["figures"][0]["values"]


def test_the_sides_of_a_trace_are_learnt(plugin, larger, tmp_path):
    result = trained(larger, "tiny-blur", tmp_path, steps=40)
    found = values(result)
    assert found["accuracy"] > 0.8
    assert found["auc"] > 0.95
    assert found["objective"] == found["log_likelihood"] > -math.log(2) / 2
    assert load_file(result.path)["classes"].tolist() == [0, 1]


def test_the_values_of_a_target_are_learnt_on_a_mixture_that_nobody_registered(
    plugin, larger, tmp_path
):
    result = trained(larger, "tiny-blurs", tmp_path, steps=150)
    assert values(result)["accuracy"] > 0.5  # chance: 0.2
    assert values(result)["auc"] > 0.9
    # Exact, though the weights are in half precision.
    assert result.card["dtype"] == "float16"
    assert load_file(result.path)["classes"].tolist() == BLURS
    assert result.card["classes"] == BLURS
    assert result.card["trace"]["name"] == "smoothed"
    assert result.card["trace"]["histories"]["altered"].startswith("maybe(0.5,jpeg({q}))")


def test_steps_in_half_precision_learn_too(plugin, larger, tmp_path, monkeypatch):
    seen = set()
    kind = type(recipe_of("tiny-blur"))
    monkeypatch.setattr(kind, "autocast", True)
    original = kind.logits

    def logits(self, answers):
        seen.add(answers.dtype)
        return original(self, answers)

    monkeypatch.setattr(kind, "logits", logits)
    assert values(trained(larger, "tiny-blur", tmp_path, steps=40))["auc"] > 0.95
    assert seen == {torch.bfloat16, torch.float32}


def test_boosted_trees_learn_the_same_and_answer_with_probabilities(plugin, larger, tmp_path):
    result = trained(larger, "tiny-blurs-trees", tmp_path, steps=40)
    assert values(result)["accuracy"] > 0.4
    network = nn.decision(load_file(result.path))
    assert network.classes.tolist() == BLURS
    # By scikit-learn, on the crops of the training.
    recipe = recipe_of("tiny-blurs-trees")
    made = [recipe.rows(examples(recipe, larger).example(0, step, 32, 16)) for step in range(40)]
    features, labels = (torch.cat(part) for part in zip(*made, strict=True))
    expected = recipe.estimator().fit(features.numpy(), labels.numpy())
    found = recipe.fit(features, labels)(features).softmax(1)
    np.testing.assert_allclose(found, expected.predict_proba(features.numpy()), atol=1e-5)


def test_the_figures_are_those_of_scikit_learn(plugin):
    recipe = recipe_of("tiny-blurs")
    random = np.random.default_rng(0)
    labels = random.choice(5, 300, p=[0.6, 0.1, 0.1, 0.1, 0.1])
    logits = random.normal(size=(300, 5)) + 2 * np.eye(5)[labels]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    found = recipe.figures(torch.from_numpy(logits), torch.from_numpy(labels))
    assert found["accuracy"] == pytest.approx(balanced_accuracy_score(labels, shares.argmax(1)))
    assert found["auc"] == pytest.approx(roc_auc_score(labels > 0, 1 - shares[:, 0]))
    each = [np.log(shares[labels == k, k]).mean() for k in range(5)]
    assert found["objective"] == pytest.approx(np.mean(each))


def test_every_class_is_seen_as_often_and_pristine_crops_are_those_of_blurred_ones(plugin, larger):
    recipe = recipe_of("tiny-blurs")
    made = examples(recipe, larger)
    labels = torch.cat([recipe.cases(made.example(0, step, 32, 8))[1] for step in range(10)])
    assert torch.bincount(labels).tolist() == [20] * 5
    example = made.example(0, 0, 32, 8)
    inputs, labels = recipe.cases(example)
    assert example.values["s"].tolist() == BLURS[1:] * 2
    pristine = example.sides["pristine"].pixels.float()
    assert torch.equal(inputs[labels == 0], pristine[[0, 4]])
    # All of them where they are judged.
    assert torch.bincount(recipe.cases(example, balanced=False)[1]).tolist() == [8, 2, 2, 2, 2]


def test_classes_come_from_the_draws_or_the_words_or_the_recipe(plugin, larger):
    assert recipe_of("tiny-blur").classes == (0, 1)
    assert recipe_of("tiny-blurs").classes == tuple(BLURS)
    assert recipe_of("tiny-blurs", count=3).classes == (0, 0.6, 1.0)

    class Which(type(recipe_of("tiny-blur"))):
        trace, target = "operation", "operation"

        def draws(self):
            return {"k": [5], "s": [1.1], "n": [2.0], "f": [1.2], "d": [15], "h": [0.2]}

    assert Which().classes == tuple(range(7))
    example = examples(Which(), larger).example(0, 0, 16, 2)
    assert Which().cases(example)[1].tolist() == [k for k in range(7) for _ in range(2)]

    class Ranged(type(recipe_of("tiny-blurs"))):
        def draws(self):
            return {"s": training.Uniform(0.5, 2), "q": [95]}

    with pytest.raises(ForensicsError, match=r"values of s are not listed .* say its classes"):
        _ = Ranged().classes
    Ranged.classes = (0.0, 1.0)
    example = examples(Ranged(), larger).example(0, 0, 32, 2)
    with pytest.raises(ForensicsError, match=r"s=[\d.]+ is none of the classes 0, 1"):
        Ranged().cases(example)
    Ranged.labels = lambda self, example, side: (example.targets[side]["s"] > 0.25).long()
    assert Ranged().cases(example)[1].tolist() == [0, 0, 1, 1]


def test_kinds_of_a_mixture_are_drawn_together(plugin, larger):
    """A chance of 0 or 1 for each JPEG: of each place, both sides are of the same kind."""
    mixed = Trace(
        "mixed",
        (
            ("pristine", "maybe({p},jpeg({q}))"),
            ("altered", "maybe({p},jpeg({q})) maybe({r},median(3)) ATTACK"),
        ),
        (),
        "pixels",
    )

    class Mixed(type(recipe_of("tiny-blur"))):
        trace = mixed

        def draws(self):
            return {("p", "r"): [(0, 0), (1, 0), (1, 1)], "q": [90]}

    example = examples(Mixed(), larger).example(0, 0, 32, 60)
    sides = [side.pixels.flatten(1) for side in example.sides.values()]
    same = (sides[0] == sides[1]).all(1)
    assert torch.equal(same, example.values["r"] == 0)
    kinds = set(zip(example.values["p"].tolist(), example.values["r"].tolist(), strict=True))
    assert kinds == {(0, 0), (1, 0), (1, 1)}


def test_a_target_without_a_value_for_none_is_asked_of_the_altered_side(plugin, photographs):
    class Quality(type(recipe_of("tiny-blur"))):
        trace, target = "jpeg", "q"

        def draws(self):
            return {"q": [50, 90]}

    example = examples(Quality(), photographs).example(0, 0, 16, 4)
    inputs, labels = Quality().cases(example)
    assert labels.tolist() == [0, 1, 0, 1]
    assert torch.equal(inputs, example.sides["altered"].pixels.float())


def test_one_class_makes_the_recipes_of_several_names(plugin, larger):
    result = trained(larger, "tiny-blurs-three")
    assert result.path.name == "net-3.safetensors"
    assert result.card["model"] == "tiny-blurs"
    assert result.card["options"] == {"start": "", "count": 3}
    assert load_file(result.path)["classes"].tolist() == BLURS[:3]
    with pytest.raises(ForensicsError, match="no option of tiny-blurs-three is called 'count'"):
        trained(larger, "tiny-blurs-three:count=4")


def test_a_model_knows_the_values_of_its_classes(plugin, larger):
    result = trained(larger, "tiny-blurs", steps=150)
    example = examples(recipe_of("tiny-blurs"), larger).example(1, 0, 32, 64)
    strong = Batch.of(example.sides["altered"].pixels[example.values["s"] == 3])
    means = [
        forensics.load("tiny-blurs").estimate(batch).values.mean()
        for batch in (example.sides["pristine"], strong)
    ]
    assert 0 < means[0] < 0.6
    assert 1.7 < means[1] < 3
    assert result.card["options"]["count"] == 5


def test_colour_is_seen_as_luma(plugin):
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    image = Image.fromarray(pixels[1].permute(1, 2, 0).numpy()).convert("L")
    found = recipe_of("tiny-blur").inputs(Batch.of(pixels))
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(found[1, 0].numpy(), np.asarray(image))


def test_the_constraint_holds_after_every_step_and_in_what_is_kept(
    plugin, larger, tmp_path, monkeypatch
):
    seen = []
    original = Descent.step

    def step(self, example, now):
        parts = original(self, example, now)
        for network in (self.moving, self.mean.module):
            seen.append(network.hidden.weight.detach().norm(dim=1).clone())
        return parts

    monkeypatch.setattr(Descent, "step", step)
    result = trained(larger, "tiny-blurs", tmp_path, steps=6)
    assert len(seen) == 12
    assert max(float((norms - 1).abs().max()) for norms in seen) < 1e-6
    kept = load_file(result.path)["hidden.weight"].float().norm(dim=1)
    torch.testing.assert_close(kept, torch.ones(32), atol=1e-3, rtol=0)  # half precision


def test_a_training_goes_on_from_a_part_or_the_mean_of_several(plugin, larger):
    trained(larger, "tiny-blurs")
    trained(larger, "tiny-blurs:count=3", seed=1)
    one = training.Start.of("tiny-blurs:net-5").state
    # Another number of classes: all but the last layer.
    begun = recipe_of("tiny-blurs", count=3, start="tiny-blurs:net-5").begun().state_dict()
    assert torch.equal(begun["hidden.weight"], one["hidden.weight"])
    assert begun["last.weight"].shape == (3, 32)
    assert begun["classes"].tolist() == BLURS[:3]
    # Of the same number: all; a model alone is its part of the same name.
    recipe = recipe_of("tiny-blurs", start="tiny-blurs")
    assert torch.equal(recipe.begun().state_dict()["last.weight"], one["last.weight"])
    before = weights.find(registry().get("tiny-blurs", "estimator").entry, "net-5").sha256
    again = {"model": "tiny-blurs:start=tiny-blurs", "steps": 1}
    assert trained(larger, **again).card["begins_with"] == {"tiny-blurs:net-5": before}
    # The part is another one by now, and not what it began with.
    resumed = trained(larger, **again, resume=True).card
    assert resumed["begins_with"] == {"tiny-blurs:net-5": before}
    assert resumed["sha256"] != before

    with pytest.raises(ForensicsError, match="not of one form: they have no mean"):
        training.Start.of("tiny-blurs:net-5+tiny-blurs:net-3")
    folder = weights.user_folder(registry().get("tiny-blurs", "estimator").entry)
    again = trained(larger, "tiny-blurs", folder.parent / "again", seed=2)
    for path in (again.path, again.path.with_suffix(".json")):
        shutil.copy(path, folder / f"net-3{path.suffix}")
    one = training.Start.of("tiny-blurs:net-5").state
    other = load_file(again.path)["hidden.bias"].float()
    assert not torch.equal(one["hidden.bias"], other)
    both = training.Start.of("tiny-blurs:net-5+tiny-blurs:net-3")
    torch.testing.assert_close(both.state["hidden.bias"], (one["hidden.bias"] + other) / 2)
    assert list(both.hashes) == ["tiny-blurs:net-5", "tiny-blurs:net-3"]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("tiny-bluurs", "did you mean 'tiny-blurs'"),
        ("tiny-blurs:net-6", "no part of tiny-blurs is called 'net-6'"),
        ("tiny-blurs", "has the parts net-5, net-3, trees: write tiny-blurs:PART"),
        ("median3", "median3 has no weights to begin with"),
        ("tiny-lda", "differ in .*only the last layer"),
    ],
)
def test_a_start_that_is_none_is_one_sentence(plugin, larger, photographs, start, said):
    if start == "tiny-lda":
        trained(photographs, "tiny-lda", steps=20)
    with pytest.raises(ForensicsError, match=said):
        recipe_of("tiny-blur", start=start).begun()
    if start == "tiny-blurs":
        with pytest.raises(NotApplicable, match="no weights for net-3"):
            recipe_of("tiny-blur", start="tiny-blurs:net-3").begun()


def test_what_cannot_be_is_one_sentence(plugin, larger, tmp_path):
    with pytest.raises(ForensicsError, match=r"answers \[16, 3\] where there are 2 classes"):
        trained(larger, "tiny-blur:wrong=answers", tmp_path)
    base = type(recipe_of("tiny-blur"))

    class Odd(base):
        trace = 3

    with pytest.raises(ForensicsError, match="the trace of Odd is a name or a Trace, not 3"):
        examples(Odd(), larger)

    class Named(base):
        def build(self, classes):
            network = super().build(classes)
            network.classes = classes
            return network

    with pytest.raises(ForensicsError, match="Classifier has an attribute `classes`"):
        Named().network()

    class Missing(base):
        target = "strength"

    with pytest.raises(ForensicsError, match="no target of gaussian is called 'strength'"):
        _ = Missing().classes

    class Judged(base):
        chosen_by = "luck"

    with pytest.raises(ForensicsError, match="chosen by luck; there are accuracy"):
        Judged().figures(torch.zeros(2, 2), torch.tensor([0, 1]))

    class Few(type(recipe_of("tiny-blurs-trees"))):
        phases = (training.Phase(1, 32, 2),)

    rows = Few().rows(examples(Few(), larger).example(0, 0, 32, 2))
    with pytest.raises(ForensicsError, match="crops of 3 of the 5 classes were seen"):
        Few().fit(*rows)

    class Untold(base):
        trace = Trace(
            "x", (("altered", "gaussian({s})"),), (), "pixels", (Target("s", "real", ""),)
        )
        target = "s"
        labels = lambda self, example, side: None  # noqa: E731

    with pytest.raises(ForensicsError, match="no side of x has a value of s"):
        Untold().cases(examples(Untold(), larger).example(0, 0, 32, 2))


def test_the_rate_warms_up_and_falls():
    rates = [training.warm_cosine(done, least=0.1, warm_up=0.1) for done in (0, 0.05, 0.5, 1)]
    middle = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * 0.05))
    assert rates == pytest.approx([0.1, 0.6 * middle, 0.55, 0.1])

"""Linear separability: how well a plane divides latents by what their pictures show (StyleGAN, section 4.2).

The paper's procedure: a classifier that has learned from labelled pictures judges generated ones, attribute by
attribute; the half that it is least sure of is dropped; a linear support vector machine learns to tell the rest apart
by their latents, and is asked about them. What is left uncertain of the classifier's answer Y once the plane's
answer X is known is the conditional entropy H(Y|X), and the score is exp of its sum over all attributes: 1 at best.

Two things differ. The paper's classifier is a network of a discriminator's size for each of CelebA's attributes; here
it is a logistic regression on features, for demo data are few. And the paper asks the plane about the latents that it
learned from, which is as good with 100,000 of them; of a few thousand in 512 dimensions any plane divides whatever
there is, and all scores would be 1. So here one half is asked of the plane of the other.
"""

import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from stylegan_core.ops import Poll, no_poll
from train.data.dataset import TrainingImages

ATTRIBUTES_FILE = "attributes.json"  # {picture's name: {question: answer}}, beside dataset.json
MOST_ANSWERS = 32  # of a question; one with more is no attribute but a name
FEWEST = 8  # pictures that have an attribute, and that have it not
_MOST_BYTES = 256 << 20


def attributes_of(images: TrainingImages, members: Sequence[int]) -> dict[str, np.ndarray]:
    """What is known of pictures of the data, as yes or no.

    A question of attributes.json (or, without that file, the class in dataset.json) with two answers is one attribute,
    with more each answer is one against all others. Those that hardly any picture has, or lacks, are left out.

    Args:
        images: the data.
        members: pictures' numbers in its source.

    Returns:
        bool [len(members)] by attribute, such as "gender: man"; empty where nothing is known.
    """
    source, found = images.source, {}
    entries = _entries(source.path)
    rows = [entries.get(source.name(member)) for member in members]
    known = [row for row in rows if isinstance(row, dict)]
    if known and len(known) == len(rows):
        for question in sorted(set.intersection(*(set(row) for row in known))):
            if all(isinstance(row[question], str) for row in known):
                found.update(_one_against_others(question, [row[question] for row in known]))
    elif source.labels.are_classes and images.labelled:
        names = source.labels.names
        classes = [source.labels.value(member) for member in members]
        answers = [names[c] if isinstance(c, int) and c < len(names) else str(c) for c in classes]
        found.update(_one_against_others("class", answers))
    return found


def _one_against_others(question: str, answers: list[str]) -> dict[str, np.ndarray]:
    counts = Counter(answers)
    if not 2 <= len(counts) <= MOST_ANSWERS:
        return {}
    enough = [answer for answer in sorted(counts) if FEWEST <= counts[answer] <= len(answers) - FEWEST]
    asked = enough[:1] if len(counts) == 2 else enough
    return {f"{question}: {answer}": np.array([other == answer for other in answers]) for answer in asked}


def _entries(path: Path) -> dict[str, object]:
    """What attributes.json in a zip or a folder holds; nothing where there is none that can be read."""
    try:
        if path.is_dir():
            data = (path / ATTRIBUTES_FILE).read_bytes()
        else:
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo(ATTRIBUTES_FILE).file_size > _MOST_BYTES:
                    return {}
                data = archive.read(ATTRIBUTES_FILE)
        entries = json.loads(data)
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile):
        return {}
    return entries if isinstance(entries, dict) else {}


def judge(features: np.ndarray, answers: np.ndarray) -> Pipeline:
    """The auxiliary classifier of one attribute.

    Args:
        features: of labelled pictures, [N, D].
        answers: whether each has the attribute, bool [N]; some do, some do not.

    Returns:
        What gives by `decision_function` how sure it is of a picture, above 0 for yes.
    """
    # Ten times the usual weight decay: features may be more than pictures are.
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=10_000)).fit(features, answers)


def surest(confidence: np.ndarray) -> np.ndarray:
    """The half of the pictures that a classifier is surest of, by number; confidence [N] is below 0 for no."""
    order = np.argsort(-np.abs(confidence), kind="stable")
    return np.sort(order[: max(len(order) // 2, 1)])


def divided(latents: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """On which side of a plane that divides the others best each latent lies: bool [N] of latents [N, D], bool [N].

    Every second latent is asked of the plane that the rest has taught, and the other way round.
    """
    sides = np.empty(len(answers), bool)
    for asked in (slice(0, None, 2), slice(1, None, 2)):
        taught = np.ones(len(answers), bool)
        taught[asked] = False
        if answers[taught].all() or not answers[taught].any():
            sides[asked] = answers[taught].any()
            continue
        plane = make_pipeline(StandardScaler(), LinearSVC(C=0.01, dual=False, max_iter=10_000))
        sides[asked] = plane.fit(latents[taught], answers[taught]).predict(latents[asked])
    return sides


def conditional_entropy(answers: np.ndarray, given: np.ndarray) -> float:
    """H(Y|X) in nats of Y = answers once X = given is known, both bool [N]."""
    total = 0.0
    for side in (False, True):
        here = answers[given == side]
        for share in (here.mean(), 1 - here.mean()) if len(here) else ():
            if share > 0:
                total -= len(here) / len(answers) * share * float(np.log(share))
    return total


def separability(latents: np.ndarray, confidences: Sequence[np.ndarray], poll: Poll = no_poll) -> float:
    """The score of a space of latents: 1 where planes divide all attributes, the higher, the worse.

    Args:
        latents: [N, D]; N should be many times D, or planes find nothing and scores come out too high.
        confidences: of each attribute's classifier, [N], below 0 for no.
        poll: called between attributes; raises Cancelled when nobody waits.
    """
    total = 0.0
    for confidence in confidences:
        poll()
        kept = surest(confidence)
        answers = confidence[kept] > 0
        total += conditional_entropy(answers, divided(latents[kept], answers))
    return float(np.exp(total))

"""Further heads on a classifier's features: the class is told as before, the others by one linear layer each."""

import torch
from mlmodels.image_classifiers.multi_task import MultiTaskClassifier
from mlmodels.image_classifiers.photograph_configs import SimpleCnnConfig
from mlmodels.image_classifiers.simple_cnn import SimpleCnn


def test_further_heads_read_the_features_and_leave_the_class_as_it_was() -> None:
    torch.manual_seed(0)
    body = SimpleCnn(SimpleCnnConfig(channels=(4, 6), convolutions=(1, 1))).eval()
    before = {name: value.clone() for name, value in body.state_dict().items()}
    model = MultiTaskClassifier(body, {"colour": 3, "size": 2}).eval()
    assert all(torch.equal(before[name], value) for name, value in body.state_dict().items())
    images = torch.randn(5, 3, 32, 32)
    found = model(images)
    assert list(found) == ["class", "colour", "size"]
    assert torch.equal(found["class"], body(images))
    features = body.features(images)
    for name, count in (("colour", 3), ("size", 2)):
        weights = dict(model.heads[name].named_parameters())
        torch.testing.assert_close(found[name], features @ weights["weight"].T + weights["bias"])
        assert found[name].shape == (5, count)
        assert torch.equal(model.classifier_of(name)(images), found[name])
    assert model.main_classifier is body
    assert model.dim == 6

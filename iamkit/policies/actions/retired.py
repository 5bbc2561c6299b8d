"""Services that AWS has ended, and whose actions the catalogue has no more."""

RETIRED = {
    "codestar": "AWS CodeStar",
    "deepcomposer": "AWS DeepComposer",
    "deeplens": "AWS DeepLens",
    "deepracer": "AWS DeepRacer",
    "elastic-inference": "Amazon Elastic Inference",
    "evidently": "Amazon CloudWatch Evidently",
    "gamesparks": "Amazon GameSparks",
    "honeycode": "Amazon Honeycode",
    "iot1click": "AWS IoT 1-Click",
    "iotevents": "AWS IoT Events",
    "mobilehub": "AWS Mobile Hub",
    "sumerian": "Amazon Sumerian",
    "worklink": "Amazon WorkLink",
    "zocalo": "Amazon WorkDocs",
}
"""What they were called, by the prefix of their actions.

https://docs.aws.amazon.com/general/latest/gr/service-lifecycle.html
"""

"""How stories begin: who the hero is, where the hero lives, and on what day it happened."""

FORMS = """
open:
- Once upon a time, there was a~ [h.trait] [h.kind] {named|called} [h]. {[h]|[^h.he]} lived [home].
- Once upon a time, a~ [h.trait] [h.kind] {named|called} [h] lived [home].
- Once there was a~ [h.trait] [h.kind] {named|called} [h] who loved [hobby].
- Once there lived a~ [h.trait] [h.kind] [home]. [^h.his] name was [h].
- There was once a~ [h.kind] {named|called} [h]. [^h.he] was very [trait2] and {loved|liked} [hobby].
- [h] was a~ [h.trait] [h.kind] who lived [home].
- [h] was a~ [h.trait] [h.kind]. [^h.he] loved [hobby].
- [h] lived [home] with [h.his] {family|mother and father|parents}. [^h.he] was a~ [h.trait] [h.kind].
- [h] was a~ [h.kind] who {liked|loved} [hobby], {most of all|especially} {in the morning|on [weekday]s|in
    [season]}.
- A~ [h.kind] {named|called} [h] lived [home]. Everyone knew [h.him], because [h.he] was so [trait2].
- Not so long ago, [home], there lived a~ [h.trait] [h.kind] {named|called} [h].
- Do you know [h]? [^h.he] is the [h.trait] [h.kind] who {loves|likes} [hobby].
- Far away, [home], lived a~ [h.trait] [h.kind] with the name of [h].
- In all the {land|country|world} there was no [h.kind] as [trait2] as [h]. [^h.he] lived [home].
- Every {morning|day}, a~ [h.trait] [h.kind] {named|called} [h] woke up early. [^h.he] lived [home].
- This is the story of [h], a~ [h.trait] [h.kind] who loved [hobby].
- A long time ago, there was a~ [h.trait] [h.kind] {named|called} [h].

day:
- One [d.adj] [d],
- On a~ [d.adj] [d],
- One [d],
- One day,
- One [weekday],
- One [weekday] [d],
- It was a~ [d.adj] [d], and
- One [d.adj] day in [season],
- One [d], when [d.sky],
- That [weekday], [d.sky], and
- Early one [season] [d],

fine_day:
- It was a~ [d.adj] [d].
- It was a~ [d.adj] [d], and [d.sky].
- One [d], [d.sky].
- It was [weekday], and [d.sky].
- {One|That} [season] was {very|unusually} {warm|beautiful|long}.
"""

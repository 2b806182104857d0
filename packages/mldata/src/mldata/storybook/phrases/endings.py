"""How stories end when the plot has no better ending of its own."""

FORMS = """
evening:
- That {night|evening}, [h] fell asleep with a smile on [h.his] face.
- That night, [h] slept {very |}well.
- When the {stars|moon} came out, [h] was {already|fast} asleep{, smiling|}.
- In the evening, [h] told [h.his] {mother and father|family} {all about it|the whole story}.
- {Tired but happy|Happy and tired}, [h] went {home|to bed} that {evening|night}.
- "What a {day|lovely day|wonderful day}!" thought [h] {that evening|at bedtime|before [h.he] fell
    asleep}.
- And when [h] went to bed, [h.he] was still smiling.

friends_end:
- {From that day on|From then on|After that}, [h] and [f] were {best|good|close} friends.
- [h] and [f] played {together |}until {the sun went down|it was time for dinner|the stars came out|it was
    dark}.
- {Hand in hand|Side by side|Laughing}, [h] and [f] went home.
- And [h] and [f] {laughed|were happy} {all the way home|for the rest of the day}.
- [h] and [f] {shared <snack_a> and|sat in the grass and} talked {about it |}{until evening|for a long
    time}.

snack_a:
- a~ <snack>
"""

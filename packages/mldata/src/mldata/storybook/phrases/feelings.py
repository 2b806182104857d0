"""Feelings, as they are told and as they show."""

FORMS = """
sad:
- [h] felt {very |so |}sad.
- Tears {came into|filled|ran from} [h.s] eyes.
- [h] wanted to cry.
- [h] {sat|flopped} down on the ground and {cried|sobbed|sighed}.
- [h] let [h.his] head hang.
- A tear rolled down [h.s] {cheek|nose|face}.
- [h] felt a {big |hard |}lump in [h.his] throat.
- [^h.his] heart {felt heavy|felt as heavy as a stone|sank}.
- [h] was so {sad|unhappy} that [h.he] {could not speak|forgot to eat|could not smile}.
- "Oh no!" {said|cried|whispered} [h]. [^h.he] was {close to tears|very sad}.

happy:
- [h] was {very|so} happy.
- [h] {jumped|danced|hopped} {for|with} joy.
- [h] {laughed|smiled|beamed} {happily|with joy|from ear to ear}.
- [h] was so happy that [h.he] {danced in a circle|clapped [h.his] [hand.s]|sang a little song|did a
    little dance}.
- A {big|wide|warm} smile {spread over|lit up} [h.s] face.
- [^h.his] eyes {shone|sparkled|lit up}.
- [h] felt {as light as a feather|warm all over|full of joy|like singing}.
- [h] {could not stop|could not help} smiling.
- "Hooray!" {cried|shouted} [h].
- What a {happy|wonderful|lovely} feeling that was!

proud:
- [h] was {very |so |}proud.
- [h] stood {a little|a bit} taller.
- [h] felt {proud and happy|as tall as a tree|ten feet tall}.
- [h] {grinned|smiled} {proudly|with pride}.
- [^h.his] {cheeks|ears} glowed with pride.
- "I did it!" {cried|shouted|said} [h].

scared:
- [h] was {so |}{scared|afraid|frightened}.
- [^h.his] heart beat {fast|like a drum|very loudly}.
- [^h.his] knees {shook|trembled|felt weak}.
- [h] {held [h.his] breath|shivered|trembled|froze}.
- [h] {felt|got} cold {with fear|all over}.

guilty:
- [h] felt {terrible|very bad|awful|ashamed}.
- [^h.his] {stomach|tummy} {hurt|felt tight|felt like a stone}.
- [h] {turned|went} red.
- [h] could not {look anyone in the eye|think of anything else|enjoy {anything|the day} any more}.
- [h] looked at the {floor|ground|tips of [h.his] toes}.

lonely:
- [h] felt {very |so |}{lonely|alone}.
- It was {quiet|no fun} without [f].
- [h] {sat|played} alone, but {it was no fun|nothing was fun|the time went slowly}.
- Everything {seemed|was} {dull|gray} without [f].
- [h] missed [f] {very much|more than [h.he] wanted to say|terribly}.

hug:
- [g] {hugged|kissed} [h].
- [g] {took|held} [h] in [g.his] arms.
- [g] gave [h] a {big|long|warm} hug.
- [g] put an arm around [h].
- [g] {stroked|patted} [h.s] {head|cheek|back}.
"""

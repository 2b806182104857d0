"""Things that people say in many stories."""

FORMS = """
said:
- said
- said
- said
- answered
- replied

cried:
- cried
- shouted
- called
- exclaimed

thanks_f:
- "Thank you, [f]!" {said|cried} [h].
- "Thank you so much, [f]," said [h].
- [h] {hugged|thanked} [f].
- "Oh, thank you!" <cried> [h]. "You are a {good|true|real|wonderful} friend."
- [h] gave [f] a big hug. "Thank you!"

thanks_g:
- "Thank you, [g]!" {said|cried} [h].
- "Thank you so much!" said [h].
- [h] {hugged|thanked} [g].
- [h] gave [g] a big hug. "Thank you!"
- "You are the best, [g]!" {cried|said} [h].

comfort_g:
- "Don't {worry|be sad}," said [g].
- "There, there," said [g].
- "It's all right," said [g] {gently|softly|kindly}.
- "{Come here|Dry your tears}, [h]," said [g] {gently|softly|kindly}.

what_wrong_g:
- "What is {wrong|the matter}, [h]?" asked [g].
- "Why {are you so sad|the long face}?" asked [g].
- "Why are you so quiet{, [h]|}?" asked [g].
- [g] saw {it|[h.his] face} at once. "What {happened|is the matter}?" [g.he] asked.

what_wrong_f:
- "What is {wrong|the matter}{, [h]|}?" asked [f].
- "Why {are you so sad|the long face}{, [h]|}?" asked [f].
- [f] saw that something was wrong. "What {happened|is it}?" [f.he] asked.

idea:
- Then [h] had an idea.
- Suddenly [h] had a {good|clever|great} idea.
- [h] thought {and thought|hard|for a long time}. Then [h.his] {face|eyes} lit up.
- "I {know|have an idea}!" <cried> [h].
- [h] {scratched [h.his] head|closed [h.his] eyes and thought}. Yes! That could work.
- Then [h.he] {remembered something|got an idea}.

try_again:
- [h] did not give up.
- But [h] would not give up.
- "{I will try|Let me try} {again|once more|one more time}," said [h].
- [h] {took a deep breath|shook [h.his] head|rolled up [h.his] sleeves} and tried again.
"""

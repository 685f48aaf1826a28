import { expect, test } from 'vitest'
import { cleanAnswer, instructionsFor, isRefusal } from './instructions.ts'

const PROMPT = 'A red fox in the snow, watercolour'

test.each([
  PROMPT,
  `  ${PROMPT}\n`,
  `"${PROMPT}"`,
  `“${PROMPT}”`,
  `\`${PROMPT}\``,
  `Translation: ${PROMPT}`,
  `translation：${PROMPT}`,
  `Here is the translated prompt: ${PROMPT}`,
  `Sure! Here's the English translation:\n\n"${PROMPT}"`,
  `**English prompt:** ${PROMPT}`,
  `Enhanced prompt: "${PROMPT}"`,
  `\`\`\`text\n${PROMPT}\n\`\`\``,
  `<think>The user wants a fox.\n"fox"</think>\n\n${PROMPT}`,
])('a prompt is found in %j', (answer) => {
  expect(cleanAnswer(answer)).toBe(PROMPT)
})

test('what belongs to the prompt stays', () => {
  for (const prompt of [
    '"Open" and "Closed", two signs on one door',
    'A sign that says "营业中"',
    'English garden: roses, an old wall',
    'A wide shot of the final battle: knights --ar 16:9 <lora:knight:0.8> (armour:1.2)',
    'Image of a translation bureau',
  ])
    expect(cleanAnswer(prompt)).toBe(prompt)
})

test('an answer without a prompt leaves nothing', () => {
  for (const answer of ['', '  \n', '""', '<think>hm</think>', 'Translation:'])
    expect(cleanAnswer(answer)).toBe('')
})

test('refusals are known', () => {
  for (const answer of [
    "I'm sorry, but I can't help with that.",
    'I’m sorry, I cannot assist.',
    'Sorry, but I can’t translate this.',
    'I cannot create this content.',
    'As an AI language model, I do not draw.',
    "I'm unable to help.",
  ])
    expect(isRefusal(answer), answer).toBe(true)
  for (const prompt of [
    PROMPT,
    'I, Robot, film poster',
    'A sorry sight',
    'Icarus cannot fly',
    'iPhone on a desk',
  ])
    expect(isRefusal(prompt), prompt).toBe(false)
})

test('only an enhancement is told to add something', () => {
  expect(instructionsFor(true)).toMatch(/vivid/)
  expect(instructionsFor(false)).not.toMatch(/vivid/)
  expect(instructionsFor(false)).toMatch(/add nothing/)
})
